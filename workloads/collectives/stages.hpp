// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file stages.hpp
/// Collectives that push their data through a fixed structure chunk by chunk: chains, trees, the
/// reducing switch. Each channel is one stage of a rank: chunk k of its data goes on to all targets
/// when chunk k has come from all sources.

#include <cstdint>
#include <vector>

#include "workloads/collectives/algorithms.hpp"

namespace plait {

struct StageWait {
  std::uint32_t from = kNoPeer;
  std::uint32_t channel = 0;
};

struct StageSend {
  std::uint32_t to = kNoPeer;
  Extent data;  ///< Of all chunks together.
  bool reduce = false;
  StepMode mode = StepMode::kMessage;
};

struct Stage {
  std::vector<StageWait> waits;
  std::vector<StageSend> sends;  ///< A stage without any has no steps, it only receives.
};

class StageSchedule final : public CollectiveSchedule {
 public:
  /// @param hears every (peer, channel) from which this rank gets `chunks` messages, those that it
  /// waits for included.
  StageSchedule(std::vector<Stage> stages, std::vector<StageWait> hears, std::uint32_t chunks)
      : stages_(std::move(stages)), hears_(std::move(hears)), chunks_(chunks) {}

  std::uint32_t channels() const override { return static_cast<std::uint32_t>(stages_.size()); }
  std::uint32_t step_count(std::uint32_t channel) const override;
  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override;
  std::vector<CollectiveSource> sources() const override;
  std::vector<DataRange> payload(std::uint32_t channel, std::uint32_t index) const override;

 private:
  std::vector<Stage> stages_;  // by channel
  std::vector<StageWait> hears_;
  std::uint32_t chunks_;
};

}  // namespace plait
