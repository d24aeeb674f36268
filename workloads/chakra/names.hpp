// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file names.hpp
/// Numbers and names of the Chakra format that reader and writer share: MLCommons Chakra,
/// schema/protobuf/et_def.proto, and attributes of PyTorch's execution traces.

#include <array>
#include <cstdint>
#include <string_view>

#include "workloads/op_graph.hpp"

namespace plait {

/// Node.type.
enum ChakraNodeType : std::uint32_t {
  kMetadata = 1,
  kMemoryLoad = 2,
  kMemoryStore = 3,
  kCompute = 4,
  kSend = 5,
  kRecv = 6,
  kCollective = 7,
  kStorage = 8,
  kBatch = 9,
  kCheckpoint = 10
};

/// By the attribute comm_type. Its number 8, REDUCE_SCATTER_BLOCK, is a reduce-scatter, too.
constexpr std::array<CollectiveKind, 10> kChakraCommTypes = {
    CollectiveKind::kAllReduce, CollectiveKind::kReduce,        CollectiveKind::kAllGather,
    CollectiveKind::kGather,    CollectiveKind::kScatter,       CollectiveKind::kBroadcast,
    CollectiveKind::kAllToAll,  CollectiveKind::kReduceScatter, CollectiveKind::kReduceScatter,
    CollectiveKind::kBarrier};

/// Part of the name of the node that lists the process groups of a rank.
constexpr std::string_view kProcessGroupInit = "process_group:init";
/// What Plait writes beside Chakra's own attributes, because those cannot hold it: streams of every
/// op, and durations finer than a microsecond. Other readers pass over them.
constexpr std::string_view kExactStream = "plait_stream";
constexpr std::string_view kExactDuration = "plait_duration_ps";

/// Op::in_order, if false; Op::nic; ids of the op's start dependencies.
constexpr std::string_view kAnyOrder = "plait_any_order";
constexpr std::string_view kNic = "plait_nic";
constexpr std::string_view kStartsAfter = "plait_starts_after";
/// Of a node that Plait added to hold the groups: it is no op.
constexpr std::string_view kOnlyGroups = "plait_groups";

}  // namespace plait
