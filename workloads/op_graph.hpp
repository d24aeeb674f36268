// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file op_graph.hpp
/// What one rank does, as pure data: ops (compute, send, recv, collective) with dependencies and
/// in-order streams. Readers and generators produce it, models/rank.hpp walks it. Equal ranks may
/// share one graph. What grows with the number of ops may lie in files (sim/spill.hpp).

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/ids.hpp"
#include "sim/spill.hpp"
#include "sim/units.hpp"
#include "workloads/byte_matrix.hpp"
#include "workloads/name_table.hpp"

namespace plait {

enum class OpKind : std::uint8_t { kCompute, kSend, kRecv, kCollective };
enum class Device : std::uint8_t { kGpu, kCpu };
enum class CollectiveKind : std::uint8_t {
  kAllReduce,
  kAllGather,
  kReduceScatter,
  kBroadcast,
  kAllToAll,
  kBarrier,
  kReduce,   ///< To the root.
  kGather,   ///< To the root.
  kScatter,  ///< From the root.
};

/// Whether one rank of the group, Op::peer, is the source or the goal of the others.
constexpr bool has_root(CollectiveKind kind) {
  return kind == CollectiveKind::kBroadcast || kind == CollectiveKind::kReduce ||
         kind == CollectiveKind::kGather || kind == CollectiveKind::kScatter;
}

std::string_view to_string(OpKind kind);
std::string_view to_string(CollectiveKind kind);

/// What a kernel is limited by; each class has its own efficiency (models/gpu.hpp).
enum class KernelClass : std::uint8_t {
  kMatrix,     ///< Matrix product in bf16 or fp16.
  kMatrixFp8,  ///< Matrix product in fp8.
  kAttention,  ///< Fused attention (FlashAttention).
  kMemory,     ///< Elementwise, normalisation, optimizer: bound by the device memory.
};

/// One GPU kernel of a compute op that stands for several.
struct Kernel {
  KernelClass kind = KernelClass::kMatrix;
  double flops = 0;
  double memory_bytes = 0;
};

/// Ops of one (device, stream) run one after another in the order of the graph, unless they say
/// otherwise.
/// Size of a collective, in bytes of one rank: all-reduce, broadcast, reduce: the buffer;
/// all-gather, gather: what one rank contributes; scatter: what one rank gets; reduce-scatter,
/// all-to-all: one rank's whole input (of an uneven all-to-all ByteMatrix::mean_sent()); barrier:
/// 0.
struct Op {
  OpKind kind = OpKind::kCompute;
  Device device = Device::kGpu;
  CollectiveKind collective = CollectiveKind::kAllReduce;
  std::uint32_t name = 0;    ///< Index into the graph's names.
  std::uint32_t stream = 0;  ///< In-order queue of the device.
  /// False: the stream is a processor that takes what is ready. Computes run on it one at a time in
  /// the order in which they become ready; sends and recvs wait for nothing but their dependencies.
  bool in_order = true;
  std::uint8_t nic = 0;     ///< Of a send or recv, for networks that charge time to NICs.
  Duration duration{};      ///< Recorded; > 0 wins over the roofline. Compute only.
  double flops = 0;         ///< Floating-point operations, for the roofline.
  double memory_bytes = 0;  ///< Bytes moved to and from device memory, for the roofline.
  Bytes size{};             ///< Of a send, recv or collective; see above.
  RankId peer;              ///< Of a send or recv; root of a collective. See Workload::peer. A
                            ///< recv from any rank has none (only models/loggops/ takes such).
  std::uint32_t tag = 0;    ///< Of a send or recv: both sides name the same, or kAnyTag.
  GroupId group;            ///< Of a collective. See Workload::group.
  std::uint32_t matrix = kNoMatrix;  ///< Of an uneven all-to-all: index into Workload::matrices.
  /// Of a compute op that stands for several kernels, one after another: see OpGraph::kernels();
  /// flops and memory_bytes are then their sums.
  std::uint32_t kernels = kNoKernels;

  static constexpr std::uint32_t kNoMatrix = UINT32_MAX;
  static constexpr std::uint32_t kNoKernels = UINT32_MAX;
  static constexpr std::uint32_t kAnyTag = UINT32_MAX;  ///< Of a recv; as peer, above.

  bool is_wildcard() const { return kind == OpKind::kRecv && (!peer.valid() || tag == kAnyTag); }
};

/// Immutable after building. Op i may depend on any other op; the graph is acyclic.
class OpGraph {
 public:
  std::size_t size() const { return ops_.size(); }
  const Op& op(OpId id) const { return ops_[id.index()]; }
  std::span<const Op> ops() const { return ops_; }
  std::string_view name(OpId id) const { return names_.text(op(id).name); }
  /// Ops that must end before `id` starts (explicit dependencies only, streams come on top).
  std::span<const OpId> dependencies(OpId id) const {
    return {dependencies_.data() + first_[id.index()], first_[id.index() + 1] - first_[id.index()]};
  }
  /// Ops that must have started before `id` starts.
  std::span<const OpId> start_dependencies(OpId id) const {
    if (start_first_.size() == 1) return {};
    return {start_dependencies_.data() + start_first_[id.index()],
            start_first_[id.index() + 1] - start_first_[id.index()]};
  }
  /// The kernels that `op`, one of this graph, stands for; empty if it is one itself.
  std::span<const Kernel> kernels(const Op& op) const {
    if (op.kernels == Op::kNoKernels) return {};
    return kernel_lists_[op.kernels];
  }
  /// Ids as in the source file, for messages; same length as ops.
  std::uint64_t source_id(OpId id) const { return source_ids_[id.index()]; }

 private:
  friend class OpGraphBuilder;
  SpillVector<Op> ops_;
  SpillVector<std::uint32_t> first_{0};
  SpillVector<OpId> dependencies_;
  SpillVector<std::uint32_t> start_first_{0};  ///< Only that where no op has any.
  SpillVector<OpId> start_dependencies_;
  SpillVector<std::uint64_t> source_ids_;
  NameTable names_;
  std::vector<std::vector<Kernel>> kernel_lists_;
};

/// Broken dependencies, as OpGraphBuilder::repair dropped them.
struct DependencyRepairs {
  std::uint64_t self = 0;      ///< Of an op on itself.
  std::uint64_t dangling = 0;  ///< On ops that do not exist.
  std::uint64_t forward = 0;   ///< On ops added later, where there was a cycle.
  bool any() const { return self + dangling + forward > 0; }
};

/// Collects ops; dependencies may name ops that come later. Holds 80 bytes an op and 8 a
/// dependency.
class OpGraphBuilder {
 public:
  /// @param source_id unique id of the op, as dependencies name it.
  /// @param depends_on ops that must have ended, @param starts_after ops that must have started.
  void add(const Op& op, std::string_view name, std::uint64_t source_id,
           std::span<const std::uint64_t> depends_on,
           std::span<const std::uint64_t> starts_after = {});
  void add(const Op& op, std::string_view name, std::uint64_t source_id,
           std::initializer_list<std::uint64_t> depends_on) {
    add(op, name, source_id, std::span(depends_on.begin(), depends_on.size()));
  }
  std::size_t size() const { return ops_.size(); }
  /// The op that was added as number `position`, to change it. Its name is set by add().
  Op& op(std::size_t position) { return ops_[position]; }
  std::uint64_t source_id(std::size_t position) const { return ids_[position]; }

  /// Drops dependencies of ops on themselves and on ops that do not exist; then, among the ops that
  /// a cycle blocks, those on ops added later: what is left cannot form a cycle.
  /// @param dropped if given, called for each: the op's id, the id it named, why.
  /// @throws UserError on a duplicate id.
  DependencyRepairs repair(std::string_view where,
                           const std::function<void(std::uint64_t op, std::uint64_t need,
                                                    std::string_view why)>& dropped = {});
  /// @return the value of Op::kernels that stands for `kernels`, for any number of ops.
  std::uint32_t add_kernels(std::vector<Kernel> kernels);
  /// Ops of `graph` may be added as they are. @pre no kernels were added.
  void take_kernels(const OpGraph& graph);
  /// @param where name of the source for messages, for example the file.
  /// @throws UserError on a duplicate id, a dependency on an unknown id, or a cycle (naming it).
  OpGraph build(std::string_view where) &&;

 private:
  SpillVector<Op> ops_;
  NameTable names_;
  SpillVector<std::uint64_t> ids_;
  SpillVector<std::uint64_t> depends_on_;  ///< Of all ops, one after another.
  SpillVector<std::size_t> first_{0};      ///< Where those of each op begin.
  SpillVector<std::pair<std::uint32_t, std::uint64_t>> starts_after_;  ///< Few have any.
  std::vector<std::vector<Kernel>> kernel_lists_;
};

/// Ranks that take part in a collective, in group order.
struct Group {
  std::string name;
  std::vector<RankId> ranks;
};

/// What the roles that a shared graph names mean to one rank.
struct RankBinding {
  std::vector<GroupId> groups;
  std::vector<RankId> peers;
};

/// A workload of `graphs.size()` ranks; group 0 is always all ranks in order.
struct Workload {
  std::vector<std::shared_ptr<const OpGraph>> graphs;
  std::vector<Group> groups;
  /// Ranks that do the same with other partners share one graph: its ops name roles, indices into
  /// the rank's binding. Empty: ops name groups and ranks themselves. Else one per rank.
  std::vector<RankBinding> bindings = {};
  std::vector<std::shared_ptr<const ByteMatrix>> matrices = {};

  /// The group that `named`, an Op::group in the graph of `rank`, means.
  GroupId group(RankId rank, GroupId named) const {
    return bindings.empty() ? named : bindings[rank.index()].groups[named.index()];
  }
  /// The rank that `named`, an Op::peer in the graph of `rank`, means.
  RankId peer(RankId rank, RankId named) const {
    return bindings.empty() ? named : bindings[rank.index()].peers[named.index()];
  }
  /// The op with its group and peer as they are to `rank`.
  Op resolved(RankId rank, OpId id) const;
};

}  // namespace plait
