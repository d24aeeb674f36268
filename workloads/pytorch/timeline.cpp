// SPDX-License-Identifier: Apache-2.0
#include "workloads/pytorch/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sim/error.hpp"
#include "sim/spill_sort.hpp"
#include "workloads/int_list.hpp"
#include "workloads/pytorch/comm_names.hpp"

namespace plait {

namespace {

Duration nanos(std::int64_t ns) { return Duration::ns(std::max<std::int64_t>(ns, 0)); }

/// Finds what a NCCL kernel does.
class CallFinder {
 public:
  CallFinder(const KinetoTrace& trace, const SpillVector<CommCall>& host_calls)
      : trace_(trace), host_calls_(host_calls) {
    // The host trace and the annotations are of the same run: the k-th of one is the k-th of the
    // other if there are as many.
    if (trace.records.size() != host_calls.size()) return;
    order_.resize(trace.records.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    spill_stable_sort(order_, [&](std::size_t a, std::size_t b) {
      return trace.records[a].begin_ns < trace.records[b].begin_ns;
    });
    host_of_.resize(order_.size());
    for (std::size_t k = 0; k < order_.size(); ++k) host_of_[order_[k]] = k;
  }

  /// @param number of the NCCL kernel, in order of launch.
  CommCall find(const GpuOp& op, std::size_t number) const {
    CommCall call;
    if (op.call >= 0) call = trace_.calls[static_cast<std::size_t>(op.call)];
    add_records(op, call);
    if (!call.in_bytes && trace_.records.empty() && number < host_calls_.size())
      add(call, host_calls_[number]);
    return call;
  }

 private:
  static void add(CommCall& call, const CommCall& more) {
    if (call.name == NameTable::kNone) call.name = more.name;
    if (!call.in_bytes) call.in_bytes = more.in_bytes;
    if (!call.out_bytes) call.out_bytes = more.out_bytes;
    if (call.group == NameTable::kNone) call.group = more.group;
    if (call.ranks == NameTable::kNone) call.ranks = more.ranks;
    if (call.group_size == 0) call.group_size = more.group_size;
    if (!call.peer) call.peer = more.peer;
    if (call.splits == NameTable::kNone) call.splits = more.splits;
  }

  /// Adds what the records around the launch tell, the innermost first.
  void add_records(const GpuOp& op, CommCall& call) const {
    constexpr std::ptrdiff_t kDeepest = 16;
    if (!op.launched) return;
    const auto begin = trace_.records.begin();
    auto next = std::upper_bound(begin, trace_.records.end(), std::pair(op.thread, op.launch_ns),
                                 [](const auto& key, const CommCall& record) {
                                   return key < std::pair(record.thread, record.begin_ns);
                                 });
    for (std::ptrdiff_t i = 0; i < kDeepest && next != begin; ++i) {
      --next;
      if (next->thread != op.thread) return;
      if (next->end_ns < op.launch_ns) continue;
      add(call, *next);
      if (!host_of_.empty())
        add(call, host_calls_[host_of_[static_cast<std::size_t>(next - begin)]]);
    }
  }

  const KinetoTrace& trace_;
  const SpillVector<CommCall>& host_calls_;
  SpillVector<std::size_t> order_;    ///< Records by time.
  SpillVector<std::size_t> host_of_;  ///< For each record its call in the host trace.
};

class Timeline {
 public:
  Timeline(const KinetoTrace& trace, const SpillVector<CommCall>& host_calls, RankId rank,
           std::int64_t epoch_ns, TimelineContext& context)
      : trace_(trace),
        finder_(trace, host_calls),
        rank_(rank),
        epoch_(epoch_ns),
        cursor_(epoch_ns),
        context_(context) {
    has_waits_ = std::any_of(trace.host.begin(), trace.host.end(), [](const HostCall& call) {
      return call.kind == HostCall::Kind::kStreamWait;
    });
  }

  OpGraph build() {
    auto host = trace_.host.begin();
    for (const GpuOp& op : trace_.gpu) {
      for (; host != trace_.host.end() && host->begin_ns < op.launch_ns; ++host) host_call(*host);
      context_.log.attempt(TraceProblem::kOp, [&] { gpu_op(op); });
    }
    // What the host does after its last launch is the profiler's end, not the workload's.
    return std::move(builder_).build(trace_.file);
  }

 private:
  struct Issued {
    std::uint64_t id = 0;
    std::int64_t end_ns = 0;
  };

  std::uint64_t add(const Op& op, std::string_view name, const std::vector<std::uint64_t>& needs) {
    builder_.add(op, name, next_id_, needs);
    return next_id_++;
  }

  static Op cpu_op(std::uint32_t stream, Duration duration) {
    Op op;
    op.device = Device::kCpu;
    op.stream = stream;
    op.duration = duration;
    return op;
  }

  /// What the host did up to `until`: one op, in order with all it did before.
  void host_runs_until(std::int64_t until) {
    if (until <= cursor_) return;
    last_host_ = add(cpu_op(kHostStream, nanos(until - cursor_)), "host", {});
    cursor_ = until;
  }

  void host_call(const HostCall& call) {
    if (call.kind == HostCall::Kind::kStreamWait) wait_pending_ = true;
    if (call.kind != HostCall::Kind::kSynchronize || call.begin_ns < epoch_) return;
    host_runs_until(call.begin_ns);
    std::vector<std::uint64_t> needs;
    std::int64_t last = std::max(call.begin_ns, cursor_);
    for (const auto& [stream, issued] : last_of_stream_) {
      if (issued.end_ns > call.end_ns) continue;  // it did not wait for this one
      needs.push_back(issued.id);
      last = std::max(last, issued.end_ns);
    }
    last_host_ = add(cpu_op(kHostStream, nanos(call.end_ns - last)), "synchronize", needs);
    cursor_ = std::max(cursor_, call.end_ns);
  }

  /// The op of the other side (communication for a kernel, kernels for communication) that this
  /// one waits for.
  std::optional<Issued> other_side(const GpuOp& op) {
    if (op.is_nccl) {
      if (last_compute_ && last_compute_->end_ns <= op.begin_ns) return last_compute_;
      return std::nullopt;
    }
    // A wait is of the launch that follows it. Traces without any do not tell, so all count.
    if (has_waits_ && !wait_pending_) return std::nullopt;
    const auto ended = std::find_if(communication_.begin(), communication_.end(),
                                    [&](const Issued& one) { return one.end_ns <= op.begin_ns; });
    return ended == communication_.end() ? std::nullopt : std::optional(*ended);
  }

  void gpu_op(const GpuOp& op) {
    if (op.launched) host_runs_until(op.launch_ns);
    std::vector<std::uint64_t> needs;
    std::int64_t ready = op.launched ? std::max(op.launch_ns, epoch_) : epoch_;
    if (op.launched && last_host_) needs.push_back(*last_host_);
    if (const std::optional<Issued> other = other_side(op)) {
      needs.push_back(other->id);
      ready = std::max(ready, other->end_ns);
    }
    wait_pending_ = false;
    const auto before = last_of_stream_.find(op.stream);
    if (before != last_of_stream_.end()) ready = std::max(ready, before->second.end_ns);
    if (op.begin_ns > ready) {
      // Launch latency, or something that the trace does not show.
      if (before != last_of_stream_.end()) needs.push_back(before->second.id);
      needs = {add(cpu_op(kFirstGapStream + op.stream, nanos(op.begin_ns - ready)), "gap", needs)};
    }
    Op result;
    result.stream = op.stream;
    if (op.is_nccl)
      communicate(result, op);
    else
      result.duration = nanos(op.end_ns - op.begin_ns);
    const Issued issued{add(result, trace_.text(op.name), needs), op.end_ns};
    last_of_stream_[op.stream] = issued;
    if (!op.is_nccl) {
      last_compute_ = issued;
      return;
    }
    communication_.push_front(issued);
    if (communication_.size() > kLookBack) communication_.pop_back();
  }

  [[noreturn]] void fail(const GpuOp& op, const std::string& what) const {
    throw UserError(fmt::format("{}: NCCL kernel '{}' (correlation {}): {}", trace_.file,
                                trace_.text(op.name).substr(0, 60), op.correlation, what));
  }

  void communicate(Op& result, const GpuOp& op) {
    const CommCall call = finder_.find(op, nccl_number_++);
    constexpr std::string_view kHowTo =
        "; record with PyTorch 2.4 or later, or with record_shapes=True, or put the host execution "
        "trace (torch.profiler.ExecutionTraceObserver) beside it, named with 'et' for 'kineto'";
    const std::string_view name = trace_.text(call.name);
    if (is_send(name) || is_recv(name)) {
      result.kind = is_send(name) ? OpKind::kSend : OpKind::kRecv;
      const std::optional<std::int64_t> bytes = is_send(name) ? call.in_bytes : call.out_bytes;
      const auto size = bytes ? bytes : call.in_bytes;
      if (!size) fail(op, fmt::format("the size of the message is not told{}", kHowTo));
      if (!call.peer || *call.peer >= UINT32_MAX)
        fail(op, fmt::format("the other rank of the message is not told{}", kHowTo));
      result.peer = RankId(static_cast<std::size_t>(*call.peer));
      result.size = Bytes(*size);
      return;
    }
    const auto kind = collective_of(name);
    if (!kind)
      fail(op, name.empty()
                   ? fmt::format("what it does is not told{}", kHowTo)
                   : fmt::format("'{}' cannot be replayed: several sends and recvs in one kernel "
                                 "are not told apart",
                                 name));
    result.kind = OpKind::kCollective;
    result.collective = *kind;
    const auto bytes = *kind == CollectiveKind::kScatter ? call.out_bytes : call.in_bytes;
    if (*kind != CollectiveKind::kBarrier) {
      if (!bytes)
        fail(op, fmt::format("the size of the {} is not told{}", to_string(*kind), kHowTo));
      result.size = Bytes(*bytes);
    }
    result.group = group_of(op, call);
    result.peer = context_.groups.groups()[result.group.index()].ranks.front();
    if (*kind != CollectiveKind::kAllToAll) return;
    const std::vector<std::int64_t> splits = numbers(call.splits);
    const bool even =
        std::adjacent_find(splits.begin(), splits.end(), std::not_equal_to<>()) == splits.end();
    if (!even) context_.uneven.push_back({rank_, next_id_, split_bytes(result.size, splits)});
  }

  /// A list of KinetoTrace::texts.
  std::vector<std::int64_t> numbers(std::uint32_t text) const {
    return parse_int_list(trace_.text(text)).value_or(std::vector<std::int64_t>());
  }

  GroupId group_of(const GpuOp& op, const CommCall& call) {
    const std::int64_t world = trace_.world_size.value_or(context_.ranks);
    if (call.group == NameTable::kNone) {
      if (call.group_size == 0 || call.group_size == world) return GroupId(0);
      fail(op, fmt::format("it is of a group of {} of the {} ranks, but which is not told; record "
                           "with PyTorch 2.4 or later",
                           call.group_size, world));
    }
    if (declared_.insert(call.group).second) declare(call);
    return context_.groups.find(rank_, std::string(trace_.text(call.group)), trace_.file);
  }

  void declare(const CommCall& call) {
    const std::string group(trace_.text(call.group));
    std::vector<std::int64_t> members = numbers(call.ranks);
    for (const auto& [name, ranks] : trace_.groups)
      if (members.empty() && name == group) members = ranks;
    const std::int64_t world = trace_.world_size.value_or(context_.ranks);
    if (members.empty() && call.group_size != world) return;  // a group file may know it
    std::vector<RankId> ranks;
    for (const std::int64_t member : members)
      ranks.emplace_back(
          static_cast<std::size_t>(std::clamp<std::int64_t>(member, 0, UINT32_MAX - 1)));
    context_.groups.declare(rank_, group, std::move(ranks), trace_.file, context_.log.strict);
  }

  static constexpr std::size_t kLookBack = 64;
  static constexpr std::uint32_t kHostStream = 0;
  static constexpr std::uint32_t kFirstGapStream = 1;
  const KinetoTrace& trace_;
  CallFinder finder_;
  RankId rank_;
  std::int64_t epoch_;
  std::int64_t cursor_;  ///< Up to here the host's time is in the graph.
  TimelineContext& context_;
  OpGraphBuilder builder_;
  std::uint64_t next_id_ = 0;
  std::size_t nccl_number_ = 0;
  bool has_waits_ = false;
  bool wait_pending_ = false;
  std::optional<std::uint64_t> last_host_;
  std::map<std::uint32_t, Issued> last_of_stream_;
  std::optional<Issued> last_compute_;
  std::deque<Issued> communication_;  ///< The last ones, the latest first.
  std::set<std::uint32_t> declared_;  ///< Groups, by the number of their name.
};

}  // namespace

OpGraph build_timeline(const KinetoTrace& trace, const SpillVector<CommCall>& host_calls,
                       RankId rank, std::int64_t epoch_ns, TimelineContext& context) {
  return Timeline(trace, host_calls, rank, epoch_ns, context).build();
}

}  // namespace plait
