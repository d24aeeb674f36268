// SPDX-License-Identifier: Apache-2.0
#include "models/rpc/rpc_client.hpp"

#include <algorithm>
#include <utility>

namespace plait {

RpcClient::RpcClient(std::shared_ptr<const RpcContext> context, std::uint32_t client)
    : context_(std::move(context)),
      client_(client),
      clock_(context_->job, RankId(client), context_->gpu[client]),
      arrivals_(plan().arrivals_of(client)),
      times_(plan().requests()) {
  for (std::uint32_t server = 0; server < plan().servers(); ++server)
    for (std::uint32_t c = 0; c < plan().params().connections; ++c) {
      const RpcPlan::Route route{server, c};
      const MessageKey key = context_->response_key(client, route);
      connections_[{key.from, key.stream}] = {
          server, context_->answered[context_->connection(client, route)].reader()};
    }
}

void RpcClient::on_start(SimTime now, HostServices& host) {
  host_ = &host;
  clock_.start(now);
  const bool closed = plan().params().arrivals == RpcArrivals::kClosed;
  const std::int64_t first = closed ? plan().params().concurrency : 1;
  for (std::int64_t i = 0; i < first; ++i) schedule(now);
}

// The next request: a think time or a gap from now.
void RpcClient::schedule(SimTime now) {
  if (scheduled_ == plan().requests()) return;
  const Duration wait = plan().params().arrivals == RpcArrivals::kClosed
                            ? plan().facts(client_, scheduled_).think_time
                            : arrivals_.exponential(plan().gap());
  ++scheduled_;
  host_->call_at(now + wait, clock_.gpu(), 0);
}

void RpcClient::on_timer(SimTime now, std::uint64_t) {
  const std::uint32_t number = issued_++;
  times_[number].issued = now;
  clock_.open(now, Activity::kCommunication);
  ++unacked_;
  host_->send(now, context_->request_key(client_, plan().route(client_, number)),
              plan().facts(client_, number).request_size, number);
  if (plan().params().arrivals == RpcArrivals::kPoisson) schedule(now);
}

void RpcClient::on_sent(SimTime, std::uint64_t) { --unacked_; }

void RpcClient::on_delivered(SimTime now, const MessageKey& key, Bytes) {
  const std::uint32_t number = connections_.at({key.from, key.stream}).answered.take();
  times_[number].end = now;
  ++answered_;
  clock_.close(now, Activity::kCommunication);
  if (plan().params().arrivals == RpcArrivals::kClosed) schedule(now);
}

bool RpcClient::finished() const { return answered_ == plan().requests() && unacked_ == 0; }

RankRecord RpcClient::record_until(SimTime cut) const {
  return clock_.record_until(cut, finished());
}

void RpcClient::collect(std::vector<RequestRecord>& requests) const {
  for (std::uint32_t number = 0; number < issued_; ++number) {
    const RpcPlan::Facts facts = plan().facts(client_, number);
    RequestRecord record;
    record.job = context_->job;
    record.id = std::uint64_t{client_} * plan().requests() + number;
    record.client = RankId(client_);
    record.server = plan().server_rank(plan().route(client_, number).server);
    record.arrival = times_[number].issued;
    record.first = record.end = times_[number].end;
    record.input_units = facts.request_size.count();
    record.units = facts.response_size.count();
    requests.push_back(record);
  }
}

}  // namespace plait
