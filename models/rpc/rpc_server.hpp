// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rpc_server.hpp
/// Serves requests in the order in which they arrive complete, at most `workers` at once.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "models/rank_clock.hpp"
#include "models/request_process.hpp"
#include "models/rpc/rpc_context.hpp"

namespace plait {

/// Owned and called by the host of its GPU, on one thread. The only one that appends to the logs of
/// its connections.
class RpcServer final : public RequestProcess {
 public:
  RpcServer(std::shared_ptr<RpcContext> context, std::uint32_t server);

  void on_start(SimTime now, HostServices& host) override;
  void on_timer(SimTime now, std::uint64_t token) override;
  void on_sent(SimTime now, std::uint64_t token) override;
  void on_delivered(SimTime now, const MessageKey& key, Bytes size) override;
  bool finished() const override;

  RankRecord record_until(SimTime cut) const override;
  void collect(std::vector<RequestRecord>&) const override {}
  std::uint64_t requests_ended() const override { return 0; }

 private:
  struct Connection {
    std::uint32_t client = 0;
    RpcPlan::Route route;
    std::uint32_t arrived = 0;  // requests
  };
  struct Request {
    std::uint32_t client, number;
  };

  const RpcPlan& plan() const { return context_->plan; }
  void serve(SimTime now, const Request& request);

  std::shared_ptr<RpcContext> context_;
  HostServices* host_ = nullptr;
  RankClock clock_;
  std::map<std::pair<GpuId, std::uint32_t>, Connection> connections_;  // by client and stream
  std::deque<Request> waiting_;
  std::int64_t busy_workers_ = 0;
  std::uint64_t to_come_ = 0;  ///< Requests that are not answered and acknowledged.
};

}  // namespace plait
