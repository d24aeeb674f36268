// SPDX-License-Identifier: Apache-2.0
#include "models/serving/serving_process.hpp"

#include <algorithm>
#include <utility>

#include "sim/check.hpp"

namespace plait {

namespace {

// Tags of messages that are no collectives; from kReadyTag on, one for each prefill group.
constexpr std::uint32_t kStepTag = 0, kCacheTag = 1, kReadyTag = 2;

std::uint32_t tag_of(const MessageKey& key) { return key.stream / 2; }

}  // namespace

ServingProcess::ServingProcess(std::shared_ptr<ServingContext> context, RankId rank)
    : context_(std::move(context)),
      replica_(&plan().replica_of(rank)),
      replica_number_(static_cast<std::uint32_t>(replica_ - plan().replicas().data())),
      position_(rank.value() - replica_->first_rank),
      rank_(context_->job, rank),
      graphs_(plan().params(), *replica_->pool) {
  if (replica_->role == PoolRole::kDecode) open_inlets();
  if (position_ > 0) {
    steps_ = context_->steps[replica_number_].reader();
    return;
  }
  const std::vector<SimTime> never(plan().requests().size(), SimTime::never());
  leader_ = std::make_unique<Leader>(
      Leader{BatchScheduler(replica_->role, *replica_->pool, plan().params().chunked_prefill,
                            plan().requests(), replica_->requests.size()),
             0,
             {},
             never,
             never,
             {}});
  if (replica_->role == PoolRole::kDecode) expect_caches();
}

// The senders of what this decode rank holds, of every prefill group.
void ServingProcess::open_inlets() {
  for (const ServingPlan::Replica& prefill : plan().replicas()) {
    if (prefill.role != PoolRole::kPrefill) continue;
    const auto tp = static_cast<std::uint32_t>(prefill.pool->tensor_parallel);
    for (std::uint32_t group = 0; group < prefill.ranks / tp; ++group)
      for (const KvTransfer& transfer : context_->transfers) {
        if (transfer.to != position_ % tensor_parallel()) continue;
        const GpuId from = job().gpu(RankId(prefill.first_rank + group * tp + transfer.from));
        inlets_[prefill.first_group + group].messages[from] = 0;
        prefill_group_of_[from] = prefill.first_group + group;
      }
  }
}

void ServingProcess::expect_caches() {
  for (std::uint32_t from = 0; from < plan().prefill_groups(); ++from)
    for (std::uint32_t own = 0; own < replica_->pool->attention_groups(); ++own) {
      const std::size_t log = context_->route(from, replica_->first_group + own);
      leader_->complete[{from, own}] = {std::vector<std::uint64_t>(tensor_parallel()), 0,
                                        context_->handovers[log].reader()};
    }
}

void ServingProcess::on_start(SimTime now, HostServices& host) {
  host_ = &host;
  rank_.begin(now, host);
  if (replica_->requests.empty()) return rank_.finish();
  if (leader_ && replica_->role != PoolRole::kDecode) await_arrival();
}

void ServingProcess::await_arrival() {
  if (leader_->arrivals == replica_->requests.size()) return;
  const InferenceRequest& next = plan().requests()[replica_->requests[leader_->arrivals]];
  host_->call_at(context_->start + next.arrival, gpu(position_), Rank::kForeignToken);
}

void ServingProcess::on_timer(SimTime now, std::uint64_t token) {
  if ((token & Rank::kForeignToken) != 0) {
    leader_->scheduler.arrive(replica_->requests[leader_->arrivals++]);
    await_arrival();
  } else {
    rank_.on_timer(now, token);
  }
  go_on(now);
}

void ServingProcess::on_sent(SimTime now, std::uint64_t token) {
  if ((token & Rank::kForeignToken) != 0) {
    --unacked_;
  } else {
    rank_.on_sent(now, token);
  }
  go_on(now);
}

void ServingProcess::on_delivered(SimTime now, const MessageKey& key, Bytes size) {
  if (JobContext::is_collective(key.stream)) {
    rank_.on_delivered(now, key, size);
  } else if (tag_of(key) == kStepTag) {
    ++told_;
  } else if (tag_of(key) == kCacheTag) {
    cache_arrived(now, key.from);
  } else {
    std::uint32_t sender = 0;
    while (gpu(sender) != key.from) ++sender;
    cache_complete(tag_of(key) - kReadyTag, sender);
  }
  go_on(now);
}

// Ends the step if that is what just happened, and begins the next.
void ServingProcess::go_on(SimTime now) {
  do {
    if (!step_) continue;
    send_ready_layers(now);
    if (!rank_.idle()) return;
    end_step(now);
  } while (begin_step(now));
}

void ServingProcess::end_step(SimTime now) {
  if (!layer_wise()) send_caches(now, plan().params().model.layers);
  if (leader_) {
    for (const std::uint32_t request : leader_->batch.first_tokens) leader_->first[request] = now;
    for (const std::uint32_t request : leader_->batch.ended) leader_->end[request] = now;
    ended_ += leader_->batch.ended.size();
  }
  if (step_->last) rank_.finish();
  step_.reset();
}

bool ServingProcess::begin_step(SimTime now) {
  if (finished() || !rank_.idle()) return false;
  if (leader_) {
    step_ = decide(now);
    if (!step_) return false;
  } else {
    if (told_ == 0) return false;
    --told_;
    step_ = steps_.take();
  }
  blocks_sent_ = 0;
  rank_.run(now, step_->plan);
  return true;
}

// The leader appends to the logs before it sends: whoever gets a message finds its entry.
std::optional<ServingStep> ServingProcess::decide(SimTime now) {
  std::optional<BatchScheduler::Batch> batch = leader_->scheduler.next();
  if (!batch) return std::nullopt;
  ServingStep step;
  step.plan = std::make_shared<const OpPlan>(graphs_.make(batch->work));
  step.last = batch->last;
  if (replica_->role == PoolRole::kPrefill) step.handovers = hand_over(batch->first_tokens);
  leader_->batch = std::move(*batch);
  if (replica_->ranks > 1) context_->steps[replica_number_].append(step);
  for (std::uint32_t follower = 1; follower < replica_->ranks; ++follower)
    send(now, gpu(follower), kStepTag, plan().params().control_message);
  return step;
}

// Layer by layer, prompts that end together travel together: their layers are done at once. Else
// each goes on its own, and decode may begin with the first.
std::vector<Handover> ServingProcess::hand_over(const std::vector<std::uint32_t>& requests) {
  std::vector<Handover> handovers;
  std::map<std::size_t, std::size_t> of_route;  // index in handovers
  for (const std::uint32_t request : requests) {
    if (plan().requests()[request].output_tokens == 1) continue;
    const std::size_t route =
        context_->route(plan().prefill_group(request), plan().decode_group(request));
    const auto [known, is_new] = of_route.try_emplace(route, handovers.size());
    if (is_new || !layer_wise()) {
      handovers.push_back({request});
    } else {
      handovers[known->second].push_back(request);
    }
  }
  for (const Handover& handover : handovers)
    context_
        ->handovers[context_->route(plan().prefill_group(handover.front()),
                                    plan().decode_group(handover.front()))]
        .append(handover);
  return handovers;
}

void ServingProcess::send(SimTime now, GpuId to, std::uint32_t tag, Bytes size) {
  ++unacked_;
  host_->send(now, {gpu(position_), to, JobContext::point_to_point_stream(tag)}, size,
              Rank::kForeignToken);
}

// The ops of a step are a chain, so their number tells which layers are done. The last goes with
// the first token, without which decode could not begin.
void ServingProcess::send_ready_layers(SimTime now) {
  if (!layer_wise()) return;
  const std::vector<StepGraphMaker::Block>& blocks = graphs_.blocks();
  for (; blocks_sent_ < blocks.size(); ++blocks_sent_) {
    const bool last = blocks_sent_ + 1 == blocks.size();
    if (last ? !rank_.idle() : rank_.ops_done() < blocks[blocks_sent_].ops_before_next) return;
    send_caches(now, blocks[blocks_sent_].count);
  }
}

// This rank's share of `layers` layers of the step's finished prompts.
void ServingProcess::send_caches(SimTime now, std::int64_t layers) {
  for (const Handover& handover : step_->handovers) {
    const std::uint32_t first = handover.front();
    if (plan().prefill_group(first) != attention_group()) continue;
    std::int64_t tokens = 0;
    for (const std::uint32_t request : handover) tokens += plan().requests()[request].prompt_tokens;
    const ServingPlan::Replica& decode = plan().last_replica(first);
    const auto tp = static_cast<std::uint32_t>(decode.pool->tensor_parallel);
    const std::uint32_t group = plan().decode_group(first) - decode.first_group;
    for (const KvTransfer& transfer : context_->transfers) {
      if (transfer.from != position_ % tensor_parallel()) continue;
      const RankId to(decode.first_rank + group * tp + transfer.to);
      send(now, job().gpu(to), kCacheTag, Bytes(tokens * layers * transfer.bytes_per_layer));
    }
  }
}

std::uint64_t ServingProcess::messages_per_handover() const {
  return layer_wise() ? graphs_.blocks().size() : 1;
}

// Every rank of a prefill group sends in the order of its steps, so the k-th of each sender belong
// to the same handover.
void ServingProcess::cache_arrived(SimTime now, GpuId from) {
  const std::uint32_t group = prefill_group_of_.at(from);
  Inlet& inlet = inlets_.at(group);
  ++inlet.messages[from];
  std::uint64_t least = UINT64_MAX;
  for (const auto& [sender, messages] : inlet.messages) least = std::min(least, messages);
  for (; inlet.complete < least / messages_per_handover(); ++inlet.complete) {
    if (leader_)
      cache_complete(group, position_);
    else
      send(now, gpu(0), kReadyTag + group, plan().params().control_message);
  }
}

void ServingProcess::cache_complete(std::uint32_t prefill_group, std::uint32_t position) {
  Leader::Complete& complete = leader_->complete.at({prefill_group, position / tensor_parallel()});
  ++complete.at_rank[position % tensor_parallel()];
  const std::uint64_t all = *std::min_element(complete.at_rank.begin(), complete.at_rank.end());
  for (; complete.known < all; ++complete.known)
    for (const std::uint32_t request : complete.handovers.take())
      leader_->scheduler.arrive(request);
}

RankRecord ServingProcess::record_until(SimTime cut) const {
  RankRecord record = rank_.record_until(cut);
  record.finished = finished();
  return record;
}

void ServingProcess::collect(std::vector<RequestRecord>& requests) const {
  if (requests.empty()) {
    requests.resize(plan().requests().size());
    for (std::uint32_t i = 0; i < requests.size(); ++i) {
      RequestRecord& record = requests[i];
      record.job = job().id();
      record.id = i;
      record.client = RankId(plan().first_replica(i).first_rank);
      record.server = RankId(plan().last_replica(i).first_rank);
      record.arrival = context_->start + plan().requests()[i].arrival;
      record.input_units = plan().requests()[i].prompt_tokens;
      record.units = plan().requests()[i].output_tokens;
    }
  }
  if (!leader_) return;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].first = std::min(requests[i].first, leader_->first[i]);
    requests[i].end = std::min(requests[i].end, leader_->end[i]);
  }
}

}  // namespace plait
