// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rpc_client.hpp
/// Issues requests in a closed or an open loop and keeps their times.

#include <map>
#include <memory>
#include <vector>

#include "models/rank_clock.hpp"
#include "models/request_process.hpp"
#include "models/rpc/rpc_context.hpp"

namespace plait {

/// Owned and called by the host of its GPU, on one thread.
class RpcClient final : public RequestProcess {
 public:
  RpcClient(std::shared_ptr<const RpcContext> context, std::uint32_t client);

  void on_start(SimTime now, HostServices& host) override;
  void on_timer(SimTime now, std::uint64_t token) override;
  void on_sent(SimTime now, std::uint64_t token) override;
  void on_delivered(SimTime now, const MessageKey& key, Bytes size) override;
  bool finished() const override;

  RankRecord record_until(SimTime cut) const override;
  void collect(std::vector<RequestRecord>& requests) const override;
  std::uint64_t requests_ended() const override { return answered_; }

 private:
  struct Times {
    SimTime issued = SimTime::never(), end = SimTime::never();
  };
  struct Connection {
    std::uint32_t server = 0;
    MessageLog<std::uint32_t>::Reader answered;
  };

  const RpcPlan& plan() const { return context_->plan; }
  void schedule(SimTime now);

  std::shared_ptr<const RpcContext> context_;
  std::uint32_t client_;
  HostServices* host_ = nullptr;
  RankClock clock_;
  RandomStream arrivals_;
  std::map<std::pair<GpuId, std::uint32_t>, Connection> connections_;  // by server and stream
  std::vector<Times> times_;                                           // by number
  std::uint32_t scheduled_ = 0, issued_ = 0, answered_ = 0, unacked_ = 0;
};

}  // namespace plait
