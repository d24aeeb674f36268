// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file kineto.hpp
/// What Plait keeps of one rank's profiler trace (Kineto JSON, the Chrome trace event format with
/// the fields that PyTorch's libkineto writes): GPU ops, the calls that launched them, the records
/// of communication. Everything else is read over.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/spill.hpp"
#include "workloads/name_table.hpp"

namespace plait {

/// One call of torch.distributed, as the GPU kernel, the event record_param_comms or the annotation
/// nccl:* around it tells. What is text stands in KinetoTrace::texts, once however many calls have
/// it; NameTable::kNone is what is not told.
struct CommCall {
  std::int64_t begin_ns = 0;  ///< Of the record on the host.
  std::int64_t end_ns = 0;
  std::int64_t thread = 0;
  std::uint32_t name = NameTable::kNone;    ///< PyTorch's: allreduce, _allgather_base, send, ...
  std::uint32_t group = NameTable::kNone;   ///< Process Group Name.
  std::uint32_t ranks = NameTable::kNone;   ///< Of the group, a list for parse_int_list().
  std::uint32_t splits = NameTable::kNone;  ///< In split size, such a list.
  std::optional<std::int64_t> in_bytes, out_bytes;
  std::optional<std::int64_t> peer;  ///< Of a send or recv, a rank of the job.
  std::int64_t group_size = 0;       ///< 0 = not told.
};

/// A kernel, copy or memset.
struct GpuOp {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  std::int64_t launch_ns = 0;  ///< When the host called for it.
  std::int64_t thread = 0;     ///< Of the host.
  std::uint64_t correlation = 0;
  std::uint32_t stream = 0;
  std::uint32_t name = 0;  ///< In KinetoTrace::texts.
  bool launched = false;   ///< The launch is in the trace.
  bool is_nccl = false;
  std::int32_t call = -1;  ///< Index into KinetoTrace::calls, of its own arguments.
};

/// A call of the CUDA runtime or driver.
struct HostCall {
  enum class Kind : std::uint8_t { kLaunch, kSynchronize, kStreamWait };
  Kind kind = Kind::kLaunch;
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  std::int64_t thread = 0;
  std::uint64_t correlation = 0;
};

struct ProfilerStep {
  std::string number;
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
};

struct KinetoTrace {
  std::string file;
  SpillVector<GpuOp> gpu;  ///< In order of launch.
  SpillVector<HostCall> host;
  SpillVector<CommCall> calls;    ///< Of kernels' own arguments.
  SpillVector<CommCall> records;  ///< Of the host, by thread and begin.
  std::vector<ProfilerStep> steps;
  NameTable texts;
  std::optional<std::int64_t> rank, world_size;
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> groups;  ///< distributedInfo.

  /// Of a number in texts; empty for kNone.
  std::string_view text(std::uint32_t number) const {
    return number == NameTable::kNone ? std::string_view() : texts.text(number);
  }
};

/// @throws UserError naming file and byte.
KinetoTrace read_kineto(const std::filesystem::path& file);

}  // namespace plait
