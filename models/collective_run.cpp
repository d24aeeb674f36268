// SPDX-License-Identifier: Apache-2.0
#include "models/collective_run.hpp"

#include <algorithm>
#include <utility>

#include "sim/check.hpp"

namespace plait {

CollectiveRun::CollectiveRun(const JobContext& job, RankId rank, const JobGroup& group,
                             const CollectiveChoice& choice,
                             std::unique_ptr<CollectiveSchedule> schedule,
                             const FindInbox& find_inbox)
    : job_(&job), rank_(rank), group_(&group), choice_(choice), schedule_(std::move(schedule)) {
  PLAIT_CHECK_LE(schedule_->channels(), static_cast<std::uint32_t>(kMaxChannels));
  channels_.resize(schedule_->channels());
  for (std::uint32_t c = 0; c < channels_.size(); ++c) {
    channels_[c].count = schedule_->step_count(c);
    steps_left_ += channels_[c].count;
  }
  for (const CollectiveSource& source : schedule_->sources()) {
    CollectiveInbox& inbox = find_inbox(source.from, source.channel);
    inbox.expected = source.count;
    receives_left_ += source.count - std::min<std::uint64_t>(inbox.of_this_call(), source.count);
    sources_.push_back({source, &inbox});
  }
  std::sort(sources_.begin(), sources_.end(),
            [](const Source& a, const Source& b) { return a.place() < b.place(); });
}

void CollectiveRun::launch(SimTime now, HostServices& host, std::uint64_t timer_token,
                           std::uint64_t send_token) {
  timer_token_ = timer_token;
  send_token_ = send_token;
  launched_ = true;
  for (std::uint32_t c = 0; c < channels_.size(); ++c) {
    load(c);
    make_ready(now, c);
  }
  for (std::uint32_t c = 0; c < channels_.size(); ++c) flush(now, host, c);
}

void CollectiveRun::on_timer(SimTime now, HostServices& host, std::uint32_t channel) {
  channels_[channel].armed = false;
  flush(now, host, channel);
}

void CollectiveRun::on_delivered(SimTime now, HostServices& host, std::uint32_t channel,
                                 const CollectiveInbox& inbox) {
  if (inbox.of_this_call() <= inbox.expected) --receives_left_;
  if (!launched_) return;
  if (channel < channels_.size() && channels_[channel].gate == &inbox) advance(now, host, channel);
  if (!waits_across_) return;
  for (std::uint32_t c = 0; c < channels_.size(); ++c)
    if (c != channel && channels_[c].gate == &inbox) advance(now, host, c);
}

void CollectiveRun::close() {
  for (const Source& source : sources_) {
    source.inbox->consumed += source.source.count;
    source.inbox->expected = 0;
  }
}

std::vector<std::uint32_t> CollectiveRun::silent_peers() const {
  std::vector<std::uint32_t> peers;
  for (const Source& source : sources_)
    if (source.inbox->of_this_call() < source.source.count) peers.push_back(source.source.from);
  peers.erase(std::unique(peers.begin(), peers.end()), peers.end());
  return peers;
}

void CollectiveRun::load(std::uint32_t channel) {
  Channel& state = channels_[channel];
  state.gate = nullptr;
  if (state.next == state.count) return;
  state.step = schedule_->step(channel, state.next);
  if (state.step.wait_from == kNoPeer) return;
  const std::uint32_t other = state.step.wait_channel;
  waits_across_ |= other != kSameChannel && other != channel;
  state.gate = inbox_of(state.step.wait_from, other == kSameChannel ? channel : other);
}

CollectiveInbox* CollectiveRun::inbox_of(std::uint32_t from, std::uint32_t channel) const {
  const auto source =
      std::lower_bound(sources_.begin(), sources_.end(), std::pair{from, channel},
                       [](const Source& s, const auto& place) { return s.place() < place; });
  PLAIT_CHECK(source != sources_.end() && source->place() == std::pair(from, channel),
              "a step waits for a peer that sends nothing");
  return source->inbox;
}

// Every step that is ready waits out its work and software time; steps of one channel do so side by
// side but are posted in order.
void CollectiveRun::advance(SimTime now, HostServices& host, std::uint32_t channel) {
  make_ready(now, channel);
  flush(now, host, channel);
}

void CollectiveRun::make_ready(SimTime now, std::uint32_t channel) {
  Channel& state = channels_[channel];
  while (state.next < state.count) {
    if (state.gate != nullptr && state.gate->of_this_call() < state.step.wait_count) break;
    if (state.step.send_to == kNoPeer && state.step.work == Duration{}) {
      --steps_left_;
    } else {
      SimTime at = now + state.step.work;
      if (state.step.send_to != kNoPeer) at += software_time(state.step.send_to);
      if (state.post_head < state.posts.size()) at = std::max(at, state.posts.back().at);
      state.posts.push_back({at, state.step.send_to, state.step.send_bytes, state.step.mode});
    }
    ++state.next;
    load(channel);
  }
}

Duration CollectiveRun::software_time(std::uint32_t to) const {
  const bool intra = job_->host(member(to)) == job_->host(rank_);
  return intra ? choice_.step_intra : choice_.step_inter;
}

void CollectiveRun::flush(SimTime now, HostServices& host, std::uint32_t channel) {
  Channel& state = channels_[channel];
  if (state.armed) return;  // the timer will do it
  if (state.is_due(now)) post_next(now, host, channel);
  if (state.is_due(now)) take_turns(now, host);
  if (state.post_head == state.posts.size()) {
    state.posts.clear();
    state.post_head = 0;
  } else {
    state.armed = true;
    host.call_at(state.posts[state.post_head].at, job_->gpu(rank_),
                 timer_token_ | (static_cast<std::uint64_t>(channel) << 32));
  }
}

// What is due is posted channel by channel in turn: the root of a chain has all its chunks at once,
// and the messages of one channel must not stand before those of another on the same way.
void CollectiveRun::take_turns(SimTime now, HostServices& host) {
  for (bool posted = true; posted;) {
    posted = false;
    for (std::uint32_t c = 0; c < channels_.size(); ++c) {
      if (!channels_[c].is_due(now)) continue;
      post_next(now, host, c);
      posted = true;
    }
  }
}

void CollectiveRun::post_next(SimTime now, HostServices& host, std::uint32_t channel) {
  Channel& state = channels_[channel];
  const Post post = state.posts[state.post_head++];
  --steps_left_;
  if (post.to == kNoPeer) return;
  ++sends_open_;
  send(now, host, channel, post);
}

void CollectiveRun::send(SimTime now, HostServices& host, std::uint32_t channel,
                         const Post& post) const {
  const MessageKey key{job_->gpu(rank_), job_->gpu(member(post.to)),
                       JobContext::collective_stream(*group_, channel)};
  const Bytes wire = choice_.wire_bytes(post.size);
  if (post.mode == StepMode::kMessage) return host.send(now, key, wire, send_token_);
  using Work = SwitchTransfer::Work;
  const Work work = post.mode == StepMode::kReduce ? Work::kReduce : Work::kMulticast;
  const std::uint32_t own_host = group_->layout().host_of[group_->position(rank_)];
  host.send_in_switch(now, {work, key, wire, send_token_, group_->host_gpus[own_host]});
}

}  // namespace plait
