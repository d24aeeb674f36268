// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file stage_ops.hpp
/// Adds the ops of one pipeline stage to a graph. A stage has one main line, ops that wait for each
/// other in turn, and beside it what overlaps with that.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/llm/rank_mesh.hpp"

namespace plait {

/// Durations by name of the compute op, from the user's table; empty: all by the roofline.
using KernelTimes = std::map<std::string, Duration, std::less<>>;

/// Queues of the GPU; ops of one run in order.
enum class StageStream : std::uint8_t {
  kCompute,
  kTensor,
  kContextSend,
  kContextRecv,
  kExpert,
  kData,
  kSendForward,
  kSendBackward,
  kRecvForward,
  kRecvBackward,
};

class StageOps {
 public:
  using Id = std::uint64_t;
  using Ids = std::vector<Id>;

  StageOps(const RankMesh& mesh, const KernelTimes& times) : mesh_(mesh), times_(times) {}

  /// What the next op of the main line waits for.
  Ids after;

  /// An op of the main line. Ops of one name have the same kernels. No kernels: no op.
  void compute(std::string_view name, const std::vector<Kernel>& kernels);
  /// A collective of the main line, or beside it after `needs`; none if the group has one rank.
  void collective(CollectiveKind kind, GroupRole group, double bytes, std::string_view name);
  Ids collective_beside(CollectiveKind kind, GroupRole group, double bytes, std::string_view name,
                        const Ids& needs);
  void uneven_all_to_all(std::uint32_t matrix, Bytes mean, std::string_view name);
  /// Messages stand beside the main line, which waits for them only if told to.
  Id send(PeerRole to, double bytes, std::uint32_t tag, StageStream stream, std::string_view name,
          const Ids& needs);
  Id recv(PeerRole from, double bytes, std::uint32_t tag, StageStream stream, std::string_view name,
          const Ids& needs);
  /// Any op, beside the main line unless `after` is set to it.
  Id add(const Op& op, std::string_view name, const Ids& needs);
  /// The host is busy with state of the GPU for `duration`.
  void write(Duration duration, std::string_view name);

  std::int64_t size(GroupRole group) const { return mesh_.size(group); }
  OpGraph build(std::string_view where) && { return std::move(builder_).build(where); }

 private:
  struct KernelSum {
    std::uint32_t list = 0;
    double flops = 0, memory_bytes = 0;
  };

  Id message(OpKind kind, PeerRole peer, double bytes, std::uint32_t tag, StageStream stream,
             std::string_view name, const Ids& needs);

  const RankMesh& mesh_;
  const KernelTimes& times_;
  OpGraphBuilder builder_;
  Id next_ = 0;
  std::map<std::string, KernelSum, std::less<>> known_;
};

/// Bytes that are a share of something, rounded up.
Bytes whole_bytes(double bytes);

void append(StageOps::Ids& ids, const StageOps::Ids& more);

}  // namespace plait
