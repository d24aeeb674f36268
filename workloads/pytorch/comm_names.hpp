// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file comm_names.hpp
/// PyTorch's names of collectives (torch/csrc/distributed/c10d, RECORD_PARAM_COMMS) and data types.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "workloads/op_graph.hpp"

namespace plait {

/// "_allgather_base", "nccl:all_gather" or "AllGather" as a kind; nothing for sends, recvs, waits.
std::optional<CollectiveKind> collective_of(std::string_view name);
bool is_send(std::string_view name);
bool is_recv(std::string_view name);

/// Bytes of an element: "Half", "c10::Half", "float16", "Tensor(c10::Half)", ...
std::optional<std::int64_t> element_size(std::string_view type);

}  // namespace plait
