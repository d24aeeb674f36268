// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file serving_process.hpp
/// One rank of a replica that serves inference requests. The first rank of a replica, its leader,
/// decides when a step starts what is in it and tells the others by a message; all walk the step's
/// op graph with a Rank. Prefill ranks send what they hold of a KV cache to decode ranks; a decode
/// rank tells its leader when all its part of one is there.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "models/rank.hpp"
#include "models/request_process.hpp"
#include "models/serving/serving_context.hpp"

namespace plait {

/// Owned and called by the host of its GPU, on one thread. A leader is the only one that appends to
/// the logs of its replica.
class ServingProcess final : public RequestProcess {
 public:
  ServingProcess(std::shared_ptr<ServingContext> context, RankId rank);

  void on_start(SimTime now, HostServices& host) override;
  void on_timer(SimTime now, std::uint64_t token) override;
  void on_sent(SimTime now, std::uint64_t token) override;
  void on_delivered(SimTime now, const MessageKey& key, Bytes size) override;
  bool finished() const override { return rank_.finished() && unacked_ == 0; }

  RankRecord record_until(SimTime cut) const override;
  void collect(std::vector<RequestRecord>& requests) const override;
  std::uint64_t requests_ended() const override { return ended_; }

 private:
  struct Leader {
    BatchScheduler scheduler;
    std::size_t arrivals = 0;  // of the replica's requests
    BatchScheduler::Batch batch;
    std::vector<SimTime> first, end;  // by request
    /// Of each prefill group that sends here, by own attention group: handovers complete at each
    /// rank, and those of which the scheduler knows.
    struct Complete {
      std::vector<std::uint64_t> at_rank;
      std::uint64_t known = 0;
      MessageLog<Handover>::Reader handovers;
    };
    std::map<std::pair<std::uint32_t, std::uint32_t>, Complete> complete;
  };
  /// KV caches from one prefill group, at a decode rank.
  struct Inlet {
    std::map<GpuId, std::uint64_t> messages;  // by sender
    std::uint64_t complete = 0;               // reported to the leader
  };

  const ServingPlan& plan() const { return *context_->plan; }
  const JobContext& job() const { return *context_->job; }
  GpuId gpu(std::uint32_t position) const {
    return job().gpu(RankId(replica_->first_rank + position));
  }
  std::uint32_t tensor_parallel() const {
    return static_cast<std::uint32_t>(replica_->pool->tensor_parallel);
  }
  /// Of this rank, over the replicas of its role.
  std::uint32_t attention_group() const {
    return replica_->first_group + position_ / tensor_parallel();
  }

  void open_inlets();
  void expect_caches();
  void await_arrival();
  void go_on(SimTime now);
  void end_step(SimTime now);
  bool begin_step(SimTime now);
  std::vector<Handover> hand_over(const std::vector<std::uint32_t>& requests);
  std::optional<ServingStep> decide(SimTime now);
  void send(SimTime now, GpuId to, std::uint32_t tag, Bytes size);
  void send_ready_layers(SimTime now);
  void send_caches(SimTime now, std::int64_t layers);
  void cache_arrived(SimTime now, GpuId from);
  void cache_complete(std::uint32_t prefill_group, std::uint32_t position);
  bool layer_wise() const { return plan().params().kv_transfer == KvTransferTime::kLayerWise; }
  std::uint64_t messages_per_handover() const;

  std::shared_ptr<ServingContext> context_;
  const ServingPlan::Replica* replica_;
  std::uint32_t replica_number_, position_;
  Rank rank_;
  HostServices* host_ = nullptr;
  StepGraphMaker graphs_;
  std::unique_ptr<Leader> leader_;  // null: a follower
  MessageLog<ServingStep>::Reader steps_;
  std::uint64_t told_ = 0;  // steps of which the leader told and that have not begun
  std::optional<ServingStep> step_;
  std::size_t blocks_sent_ = 0;                      // of the step, layer by layer
  std::map<std::uint32_t, Inlet> inlets_;            // by prefill group
  std::map<GpuId, std::uint32_t> prefill_group_of_;  // senders of KV caches
  std::uint64_t unacked_ = 0, ended_ = 0;
};

}  // namespace plait
