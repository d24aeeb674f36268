// SPDX-License-Identifier: Apache-2.0
#include "models/rpc/rpc_server.hpp"

#include "models/gpu.hpp"

namespace plait {

RpcServer::RpcServer(std::shared_ptr<RpcContext> context, std::uint32_t server)
    : context_(std::move(context)),
      clock_(context_->job, plan().server_rank(server),
             context_->gpu[plan().server_rank(server).index()]),
      to_come_(plan().requests_to(server)) {
  for (std::uint32_t client = 0; client < plan().clients(); ++client)
    for (std::uint32_t c = 0; c < plan().params().connections; ++c) {
      const RpcPlan::Route route{server, c};
      const MessageKey key = context_->request_key(client, route);
      connections_[{key.from, key.stream}] = {client, route};
    }
}

void RpcServer::on_start(SimTime now, HostServices& host) {
  host_ = &host;
  clock_.start(now);
}

void RpcServer::on_delivered(SimTime now, const MessageKey& key, Bytes) {
  Connection& connection = connections_.at({key.from, key.stream});
  const Request request{connection.client,
                        plan().number(connection.client, connection.route, connection.arrived++)};
  if (busy_workers_ == plan().params().workers) return waiting_.push_back(request);
  serve(now, request);
}

void RpcServer::serve(SimTime now, const Request& request) {
  ++busy_workers_;
  clock_.open(now, Activity::kCompute);
  const Duration time = plan().facts(request.client, request.number).service_time;
  host_->call_at(now + slowed(time, host_->slowdown(now)), clock_.gpu(),
                 std::uint64_t{request.client} << 32 | request.number);
}

void RpcServer::on_timer(SimTime now, std::uint64_t token) {
  const Request request{static_cast<std::uint32_t>(token >> 32), static_cast<std::uint32_t>(token)};
  --busy_workers_;
  clock_.close(now, Activity::kCompute);
  clock_.open(now, Activity::kCommunication);
  const RpcPlan::Route route = plan().route(request.client, request.number);
  context_->answered[context_->connection(request.client, route)].append(request.number);
  host_->send(now, context_->response_key(request.client, route),
              plan().facts(request.client, request.number).response_size, 0);
  if (waiting_.empty()) return;
  const Request next = waiting_.front();
  waiting_.pop_front();
  serve(now, next);
}

void RpcServer::on_sent(SimTime now, std::uint64_t) {
  --to_come_;
  clock_.close(now, Activity::kCommunication);
}

bool RpcServer::finished() const { return clock_.started() && to_come_ == 0; }

RankRecord RpcServer::record_until(SimTime cut) const {
  return clock_.record_until(cut, finished());
}

}  // namespace plait
