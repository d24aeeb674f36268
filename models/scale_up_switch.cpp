// SPDX-License-Identifier: Apache-2.0
// What the switch does besides passing on: sums and copies (NVLink SHARP). One unit of a sum costs
// every GPU of the team its egress port and the owner its ingress port; one of a copy costs the
// sender its egress port and everybody the ingress port.
#include <algorithm>

#include "models/scale_up.hpp"
#include "sim/check.hpp"

namespace plait {

void ScaleUp::send_in_switch(SimTime now, const SwitchTransfer& transfer) {
  PLAIT_CHECK_LE(now_, now);
  PLAIT_CHECK_LT(gpus(), ways_);
  now_ = now;
  const std::uint32_t id = new_message();
  messages_[id] = {transfer.key,   transfer.size, on_wire(transfer.size),
                   transfer.token, kNone,         kNone};
  if (transfer.work == SwitchTransfer::Work::kReduce) return gather(now, transfer, id);
  const std::uint32_t work = new_work(transfer);
  works_[work].open = 1;
  messages_[id].work = work;
  enqueue(now, local(transfer.key.from), 2 * gpus(), id);
}

// The reduction is pulled when the last share is there, so all GPUs have the reductions to one
// owner in the same order, and none can block another.
void ScaleUp::gather(SimTime now, const SwitchTransfer& transfer, std::uint32_t id) {
  const std::uint32_t owner = local(transfer.key.to);
  Gathering& gathering = gatherings_[{owner, transfer.key.stream}];
  gathering.resize(std::max(gathering.size(), transfer.team.size()));
  PLAIT_CHECK_EQ(gathering.size(), transfer.team.size());
  const auto place = [&](GpuId gpu) {
    const auto found = std::find(transfer.team.begin(), transfer.team.end(), gpu);
    PLAIT_CHECK(found != transfer.team.end(), "a GPU outside the team");
    return static_cast<std::size_t>(found - transfer.team.begin());
  };
  gathering[place(transfer.key.from)].push_back(id);
  for (const auto& shares : gathering)
    if (shares.empty()) return;
  const std::uint32_t index = new_work(transfer);
  Work& work = works_[index];
  for (auto& shares : gathering) {
    work.messages.push_back(shares.front());
    shares.pop_front();
  }
  work.owner = static_cast<std::uint32_t>(place(transfer.key.to));
  work.open = static_cast<std::uint32_t>(work.messages.size());
  for (const std::uint32_t share : work.messages) {
    PLAIT_CHECK_EQ(messages_[share].size.count(), transfer.size.count());
    messages_[share].work = index;
    enqueue(now, local(messages_[share].key.from), gpus() + owner, share);
  }
}

std::uint32_t ScaleUp::new_work(const SwitchTransfer& transfer) {
  if (free_works_.empty()) {
    free_works_.push_back(static_cast<std::uint32_t>(works_.size()));
    works_.emplace_back();
  }
  const std::uint32_t index = free_works_.back();
  free_works_.pop_back();
  works_[index] = {transfer.team, {}, {}, 0, 0, 0};
  return index;
}

// The units of one message leave in order, so the units of the sum become complete in order. The
// last share to leave decides when the owner's port gets the unit, and when all have their credits.
void ScaleUp::reduce(SimTime now, std::uint32_t way, std::uint32_t id, Bytes size) {
  const Message& message = messages_[id];
  Work& work = works_[message.work];
  const Bytes sent = on_wire(message.size) - message.unsent;
  const auto unit =
      static_cast<std::size_t>((sent.count() + unit_.count() - 1) / unit_.count() - 1 - work.taken);
  if (unit == work.shares.size()) work.shares.push_back(0);
  if (++work.shares[unit] < work.team.size()) return;
  work.shares.pop_front();
  ++work.taken;
  const SimTime there = take(now, way - gpus(), size, unit_time(size, way));
  const SimTime credit = there + latency_;
  for (const GpuId gpu : work.team) {
    Pair& queue = pair(local(gpu), way);
    queue.credits.push_back({credit, size});
    if (queue.first != kNone) wake_at(local(gpu), std::max(credit, sources_[local(gpu)].free));
  }
  if (message.unsent > Bytes{}) return;
  schedule(there, EventKind::kCopied, work.messages[work.owner], work.owner);
  for (const std::uint32_t share : work.messages) schedule(credit, EventKind::kAcked, share);
}

void ScaleUp::copy(SimTime now, std::uint32_t source, std::uint32_t id, Bytes size) {
  const std::uint32_t way = 2 * gpus();
  const Work& work = works_[messages_[id].work];
  const bool last = messages_[id].unsent == Bytes{};
  SimTime all_there;
  for (std::uint32_t place = 0; place < work.team.size(); ++place) {
    const SimTime there = take(now, local(work.team[place]), size, unit_time(size, way));
    all_there = std::max(all_there, there);
    if (last) schedule(there, EventKind::kCopied, id, place);
  }
  pair(source, way).credits.push_back({all_there + latency_, size});
  if (last) schedule(all_there + latency_, EventKind::kAcked, id);
}

}  // namespace plait
