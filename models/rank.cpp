// SPDX-License-Identifier: Apache-2.0
#include "models/rank.hpp"

#include <algorithm>
#include <utility>

#include "sim/check.hpp"
#include "workloads/collectives/collective.hpp"

namespace plait {

namespace {

// Tokens: kind in bits 56-63, channel in bits 32-47, op in bits 0-31.
enum class TokenKind : std::uint8_t {
  kComputeEnd,
  kLaunch,
  kPost,
  kSend,
  kCollectiveSend,
  kCollectiveEnd
};

std::uint64_t token(TokenKind kind, OpId op) {
  return (static_cast<std::uint64_t>(kind) << 56) | op.value();
}
TokenKind kind_of(std::uint64_t token) { return static_cast<TokenKind>(token >> 56); }
OpId op_of(std::uint64_t token) { return OpId(token & UINT32_MAX); }
std::uint32_t channel_of(std::uint64_t token) {
  return static_cast<std::uint32_t>(token >> 32) & 0xffffU;
}

std::uint64_t inbox_key(GpuId from, std::uint32_t stream) {
  return (static_cast<std::uint64_t>(from.value()) << 32) | stream;
}

Activity activity(const Op& op) {
  return op.kind == OpKind::kCompute ? Activity::kCompute : Activity::kCommunication;
}

}  // namespace

Rank::Rank(std::shared_ptr<const JobContext> job, RankId rank)
    : job_(std::move(job)),
      rank_(rank),
      plan_(job_->shared_plan(rank)),
      clock_(job_->id(), rank, job_->gpu(rank)),
      groups_(plan().groups().size()) {
  for (std::size_t slot = 0; slot < groups_.size(); ++slot) {
    const JobGroup& group = job_->group(job_->group_id(rank, plan().groups()[slot]));
    groups_[slot].group = &group;
    groups_[slot].position = group.position(rank);
    if (group.number >= slot_of_number_.size())
      slot_of_number_.resize(group.number + 1, OpPlan::kNoCall);
    slot_of_number_[group.number] = static_cast<std::uint32_t>(slot);
  }
}

void Rank::on_start(SimTime now, HostServices& host) {
  begin(now, host);
  more_to_come_ = false;
  if (job_->record_ops()) {
    start_times_.resize(plan().graph().size());
    end_times_.assign(plan().graph().size(), SimTime::never());
  }
  start_plan(now);
}

void Rank::begin(SimTime now, HostServices& host) {
  PLAIT_CHECK(!started(), "a rank starts once");
  host_ = &host;
  clock_.start(now);
  more_to_come_ = true;
}

void Rank::run(SimTime now, std::shared_ptr<const OpPlan> plan) {
  PLAIT_CHECK(idle() && more_to_come_, "one plan at a time");
  PLAIT_CHECK(std::ranges::equal(plan->groups(), plan_->groups()),
              "plans of one rank call the same groups");
  plan_ = std::move(plan);
  ops_done_ = 0;
  for (GroupState& state : groups_) state.joined = 0;
  start_plan(now);
}

void Rank::start_plan(SimTime now) {
  const std::size_t count = plan().graph().size();
  ops_in_hand_ = count;
  missing_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    missing_[i] = plan().predecessors(OpId(i));
    if (missing_[i] == 0) ready_.push(OpId(i));
  }
  run_ready(now);
}

// A worklist and not recursion: chains of ops that take no time may be as long as the graph.
void Rank::run_ready(SimTime now) {
  while (!ready_.empty()) {
    const OpId id = ready_.front();
    ready_.pop();
    start(now, id);
  }
}

void Rank::start(SimTime now, OpId id) {
  const Op& op = this->op(id);
  switch (op.kind) {
    case OpKind::kCompute:
      return start_compute(now, id);
    case OpKind::kSend: {
      open(now, id);
      const std::uint32_t stream = JobContext::point_to_point_stream(op.tag);
      return host_->send(now, {clock_.gpu(), job_->gpu(job_->peer(rank_, op)), stream}, op.size,
                         token(TokenKind::kSend, id));
    }
    case OpKind::kRecv:
      return start_receive(now, id);
    case OpKind::kCollective:
      return start_collective(now, id);
  }
}

void Rank::start_compute(SimTime now, OpId id) {
  const Op& op = this->op(id);
  if (!op.in_order) {
    Processor& processor = processors_[{op.device, op.stream}];
    if (processor.busy && processor.next != id) return processor.waiting.push(id);
    processor.busy = true;
  }
  const Duration duration = slowed(compute_time(op, job_->gpu_params(), plan().graph().kernels(op)),
                                   host_->slowdown(now));
  open(now, id);
  if (duration == Duration{}) return end(now, id);
  host_->call_at(now + duration, clock_.gpu(), token(TokenKind::kComputeEnd, id));
}

void Rank::start_receive(SimTime now, OpId id) {
  open(now, id);
  const std::uint32_t stream = JobContext::point_to_point_stream(op(id).tag);
  const std::uint64_t from = inbox_key(job_->gpu(job_->peer(rank_, op(id))), stream);
  Mailbox& mailbox = mailboxes_[from];
  if (mailbox.unclaimed == 0) return mailbox.receives.push(id);
  if (--mailbox.unclaimed == 0) mailboxes_.erase(from);
  end(now, id);
}

// Calls of one group share message keys, so they run one at a time, in the order on which all
// members agree.
void Rank::start_collective(SimTime now, OpId id) {
  GroupState& state = group_state(id);
  if (state.busy || plan().call_number(id) != state.joined)
    state.held.push_back(id);
  else
    join(now, id, state);
}

void Rank::join(SimTime now, OpId id, GroupState& state) {
  open(now, id);
  ++state.joined;
  state.busy = true;
  if (!job_->prices_collectives()) return run_steps(now, id, state);
  const Op& op = this->op(id);
  host_->join_collective(now, {job_.get(), job_->group_id(rank_, op.group), &op, clock_.gpu(),
                               token(TokenKind::kCollectiveEnd, id)});
}

void Rank::run_steps(SimTime now, OpId id, GroupState& state) {
  const Op& op = this->op(id);
  const JobGroup& group = *state.group;
  const CollectiveChoice choice = job_->choose(group, op);
  CollectiveCall call;
  call.kind = op.collective;
  call.size = op.size;
  call.group_size = static_cast<std::uint32_t>(group.ranks.size());
  call.position = state.position;
  if (has_root(op.collective)) call.root = group.position(job_->peer(rank_, op));
  call.algorithm = choice.algorithm;
  call.max_chunk = choice.chunk;
  call.window = choice.window;
  call.layout = choice.layout;
  call.custom = choice.custom;
  if (op.matrix != Op::kNoMatrix) call.matrix = &job_->matrix(op.matrix);
  state.run = std::make_unique<CollectiveRun>(
      *job_, rank_, group, choice, make_schedule(call),
      [&](std::uint32_t from, std::uint32_t channel) -> CollectiveInbox& {
        return inbox(group, from, channel);
      });
  host_->call_at(now + choice.launch, clock_.gpu(), token(TokenKind::kLaunch, id));
}

CollectiveInbox& Rank::inbox(const JobGroup& group, std::uint32_t from, std::uint32_t channel) {
  const GpuId sender = job_->gpu(group.ranks[from]);
  return inboxes_[inbox_key(sender, JobContext::collective_stream(group, channel))];
}

void Rank::end_if_finished(SimTime now, OpId id, GroupState& state) {
  if (!state.run->finished()) return;
  state.run->close();
  state.run.reset();
  end_call(now, id, state);
}

// The next call of the group may have waited for its turn.
void Rank::end_call(SimTime now, OpId id, GroupState& state) {
  state.busy = false;
  end(now, id);
  const auto turn = std::find_if(state.held.begin(), state.held.end(), [&](OpId held) {
    return plan().call_number(held) == state.joined;
  });
  if (turn == state.held.end()) return;
  const OpId next = *turn;
  state.held.erase(turn);
  join(now, next, state);
}

void Rank::on_timer(SimTime now, std::uint64_t token_value) {
  const OpId id = op_of(token_value);
  if (kind_of(token_value) == TokenKind::kComputeEnd) {
    end(now, id);
    return run_ready(now);
  }
  GroupState& state = group_state(id);
  if (kind_of(token_value) == TokenKind::kCollectiveEnd) {
    end_call(now, id, state);
    return run_ready(now);
  }
  if (kind_of(token_value) == TokenKind::kLaunch)
    state.run->launch(now, *host_, token(TokenKind::kPost, id),
                      token(TokenKind::kCollectiveSend, id));
  else
    state.run->on_timer(now, *host_, channel_of(token_value));
  end_if_finished(now, id, state);
  run_ready(now);
}

void Rank::on_sent(SimTime now, std::uint64_t token_value) {
  const OpId id = op_of(token_value);
  if (kind_of(token_value) == TokenKind::kSend) {
    end(now, id);
  } else {
    GroupState& state = group_state(id);
    state.run->on_sent();
    end_if_finished(now, id, state);
  }
  run_ready(now);
}

void Rank::on_delivered(SimTime now, const MessageKey& key, Bytes) {
  const std::uint64_t from = inbox_key(key.from, key.stream);
  if (JobContext::is_collective(key.stream)) {
    CollectiveInbox& inbox = inboxes_[from];
    ++inbox.arrived;
    if (inbox.expected == 0) return;  // no running call wants it
    const std::uint32_t slot = slot_of_number_[JobContext::stream_group_number(key.stream)];
    GroupState& state = groups_[slot];
    const OpId id = plan().calls(slot)[state.joined - 1];
    state.run->on_delivered(now, *host_, JobContext::stream_channel(key.stream), inbox);
    end_if_finished(now, id, state);
  } else {
    Mailbox& mailbox = mailboxes_[from];
    if (mailbox.receives.empty()) {
      ++mailbox.unclaimed;
      return;
    }
    const OpId id = mailbox.receives.front();
    mailbox.receives.pop();
    if (mailbox.receives.empty()) mailboxes_.erase(from);
    end(now, id);
  }
  run_ready(now);
}

void Rank::open(SimTime now, OpId id) {
  clock_.open(now, activity(op(id)));
  open_ops_.push_back(id);
  if (!start_times_.empty()) start_times_[id.index()] = now;
  for (const OpId after : plan().start_successors(id))
    if (--missing_[after.index()] == 0) ready_.push(after);
}

void Rank::end(SimTime now, OpId id) {
  clock_.close(now, activity(op(id)));
  open_ops_.erase(std::find(open_ops_.begin(), open_ops_.end(), id));
  if (!end_times_.empty()) end_times_[id.index()] = now;
  ++ops_done_;
  if (op(id).kind == OpKind::kCompute && !op(id).in_order) {
    Processor& processor = processors_[{op(id).device, op(id).stream}];
    processor.busy = !processor.waiting.empty();
    if (processor.busy) {
      processor.next = processor.waiting.front();
      processor.waiting.pop();
      ready_.push(processor.next);
    }
  }
  for (const OpId after : plan().successors(id))
    if (--missing_[after.index()] == 0) ready_.push(after);
}

}  // namespace plait
