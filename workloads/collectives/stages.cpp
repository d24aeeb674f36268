// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/stages.hpp"

namespace plait {

namespace {

/// Steps of a chunk that only wait: all waits but the last, which goes with the first send.
std::size_t idle_steps(const Stage& stage) {
  return stage.waits.empty() ? 0 : stage.waits.size() - 1;
}

std::size_t steps_per_chunk(const Stage& stage) { return idle_steps(stage) + stage.sends.size(); }

}  // namespace

std::uint32_t StageSchedule::step_count(std::uint32_t channel) const {
  const Stage& stage = stages_[channel];
  if (stage.sends.empty()) return 0;
  return static_cast<std::uint32_t>(steps_per_chunk(stage)) * chunks_;
}

CollectiveStep StageSchedule::step(std::uint32_t channel, std::uint32_t index) const {
  const Stage& stage = stages_[channel];
  const std::size_t chunk = index / steps_per_chunk(stage);
  const std::size_t i = index % steps_per_chunk(stage);
  CollectiveStep step;
  if (i < stage.waits.size()) {
    step.wait_from = stage.waits[i].from;
    step.wait_channel = stage.waits[i].channel;
    step.wait_count = static_cast<std::uint32_t>(chunk + 1);
  }
  if (i < idle_steps(stage)) return step;
  const StageSend& send = stage.sends[i - idle_steps(stage)];
  step.send_to = send.to;
  step.send_bytes = part_of(Bytes(send.data.bytes), chunks_, static_cast<std::int64_t>(chunk));
  step.mode = send.mode;
  return step;
}

std::vector<CollectiveSource> StageSchedule::sources() const {
  std::vector<CollectiveSource> sources;
  for (const StageWait& from : hears_) sources.push_back({from.from, from.channel, chunks_});
  return sources;
}

std::vector<DataRange> StageSchedule::payload(std::uint32_t channel, std::uint32_t index) const {
  const Stage& stage = stages_[channel];
  const std::size_t chunk = index / steps_per_chunk(stage);
  const std::size_t i = index % steps_per_chunk(stage);
  const StageSend& send = stage.sends[i - idle_steps(stage)];
  const Extent part = cut(send.data, chunks_, static_cast<std::int64_t>(chunk));
  return {{part.begin, part.bytes, send.reduce}};
}

}  // namespace plait
