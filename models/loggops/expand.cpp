// SPDX-License-Identifier: Apache-2.0
#include "models/loggops/expand.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "sim/check.hpp"
#include "workloads/collectives/collective.hpp"

namespace plait {

namespace {

/// Writes one rank's graph anew.
class RankExpansion {
 public:
  RankExpansion(const JobContext& job, const Workload& original, RankId rank,
                std::uint32_t first_tag)
      : job_(job), original_(original), rank_(rank), first_tag_(first_tag) {}

  OpGraph expand(SpillVector<OpId>& origin) {
    const OpGraph& graph = *original_.graphs[rank_.index()];
    first_id_.resize(graph.size());
    last_id_.resize(graph.size());
    for (std::size_t i = 0; i < graph.size(); ++i) {
      current_ = OpId(i);
      const Op op = original_.resolved(rank_, current_);
      Ids ends, starts;
      for (const OpId need : graph.dependencies(current_)) ends.push_back(last_id_[need.index()]);
      for (const OpId need : graph.start_dependencies(current_))
        starts.push_back(first_id_[need.index()]);
      first_id_[i] = next_id_;
      if (op.kind == OpKind::kCollective)
        add_collective(op, std::move(ends), std::move(starts));
      else
        add(op, std::move(ends), std::move(starts));
      last_id_[i] = next_id_ - 1;
    }
    OpGraph expanded = std::move(builder_).build("expanded collectives");
    for (std::size_t i = 0; i < expanded.size(); ++i)
      origin.push_back(origin_of_id_[expanded.source_id(OpId(i))]);
    return expanded;
  }

 private:
  using Ids = std::vector<std::uint64_t>;
  using Source = std::pair<std::uint32_t, std::uint32_t>;  // position, channel

  std::uint64_t add(const Op& op, Ids ends, Ids starts = {}) {
    builder_.add(op, original_.graphs[rank_.index()]->name(current_), next_id_, std::move(ends),
                 std::move(starts));
    origin_of_id_.push_back(current_);
    return next_id_++;
  }

  void add_collective(const Op& op, Ids ends, Ids starts) {
    const JobGroup& group = job_.group(op.group);
    Op marker;
    marker.device = op.device;
    marker.stream = op.stream;
    marker.in_order = op.in_order;
    const auto before = last_call_.find(op.group);
    if (before != last_call_.end()) ends.push_back(before->second);
    const std::uint64_t begin = add(marker, std::move(ends), std::move(starts));
    last_call_[op.group] = add(marker, add_steps(op, group, begin));
  }

  /// @return what the end of the collective waits for.
  Ids add_steps(const Op& op, const JobGroup& group, std::uint64_t begin) {
    const CollectiveChoice choice = job_.choose(group, op);
    const std::unique_ptr<CollectiveSchedule> schedule = make_schedule(call_of(op, group, choice));
    Ids parts{begin};
    Op message;
    message.device = op.device;
    message.stream = op.stream;
    message.in_order = false;
    std::map<Source, Ids> receives;
    message.kind = OpKind::kRecv;
    for (const CollectiveSource& source : schedule->sources()) {
      message.peer = group.ranks[source.from];
      message.tag = tag(group, source.channel);
      Ids& ids = receives[{source.from, source.channel}];
      for (std::uint32_t k = 0; k < source.count; ++k) ids.push_back(add(message, {begin}));
      parts.insert(parts.end(), ids.begin(), ids.end());
    }
    message.kind = OpKind::kSend;
    for (std::uint32_t channel = 0; channel < schedule->channels(); ++channel) {
      message.tag = tag(group, channel);
      std::map<Source, std::uint64_t> gates;  // last receives that steps so far have waited for
      for (std::uint32_t i = 0; i < schedule->step_count(channel); ++i) {
        const CollectiveStep step = schedule->step(channel, i);
        if (step.wait_from != kNoPeer && step.wait_count > 0) {
          const std::uint32_t on = step.wait_channel == kSameChannel ? channel : step.wait_channel;
          gates[{step.wait_from, on}] = receives.at({step.wait_from, on})[step.wait_count - 1];
        }
        if (step.send_to == kNoPeer && step.work == Duration{}) continue;
        PLAIT_CHECK(step.mode == StepMode::kMessage,
                    "without a scale-up network no switch adds up or copies");
        Ids needs{begin};
        for (const auto& [source, id] : gates) needs.push_back(id);
        if (step.work > Duration{}) {
          needs = {add(work_of(message, step.work), std::move(needs))};
          parts.push_back(needs[0]);
        }
        if (step.send_to == kNoPeer) continue;
        message.peer = group.ranks[step.send_to];
        message.size = choice.wire_bytes(step.send_bytes);
        parts.push_back(add(message, std::move(needs)));
      }
    }
    return parts;
  }

  static Op work_of(const Op& message, Duration duration) {
    Op work;
    work.device = message.device;
    work.stream = message.stream;
    work.in_order = false;
    work.duration = duration;
    return work;
  }

  CollectiveCall call_of(const Op& op, const JobGroup& group,
                         const CollectiveChoice& choice) const {
    CollectiveCall call;
    call.kind = op.collective;
    call.size = op.size;
    call.group_size = static_cast<std::uint32_t>(group.ranks.size());
    call.position = group.position(rank_);
    if (has_root(op.collective)) call.root = group.position(op.peer);
    call.algorithm = choice.algorithm;
    call.max_chunk = choice.chunk;
    call.window = choice.window;
    call.layout = choice.layout;
    call.custom = choice.custom;
    if (op.matrix != Op::kNoMatrix) call.matrix = &job_.matrix(op.matrix);
    return call;
  }

  std::uint32_t tag(const JobGroup& group, std::uint32_t channel) const {
    return first_tag_ + group.number * static_cast<std::uint32_t>(kMaxChannels) + channel;
  }

  const JobContext& job_;
  const Workload& original_;
  RankId rank_;
  std::uint32_t first_tag_;  // below are the tags of the original's messages
  OpGraphBuilder builder_;
  OpId current_;
  std::uint64_t next_id_ = 0;
  SpillVector<std::uint64_t> first_id_, last_id_;  // by op of the original
  SpillVector<OpId> origin_of_id_;
  std::map<GroupId, std::uint64_t> last_call_;
};

}  // namespace

ExpandedWorkload expand_collectives(const JobContext& job, const Workload& original) {
  std::uint32_t first_tag = 0;
  for (const auto& graph : original.graphs)
    for (const Op& op : graph->ops())
      if (op.kind == OpKind::kSend) first_tag = std::max(first_tag, op.tag + 1);
  ExpandedWorkload result;
  result.workload.groups = original.groups;
  for (std::size_t rank = 0; rank < original.graphs.size(); ++rank) {
    result.origin.emplace_back();
    result.workload.graphs.push_back(std::make_shared<const OpGraph>(
        RankExpansion(job, original, RankId(rank), first_tag).expand(result.origin.back())));
  }
  return result;
}

}  // namespace plait
