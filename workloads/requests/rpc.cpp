// SPDX-License-Identifier: Apache-2.0
#include "workloads/requests/rpc.hpp"

#include <fmt/format.h>

#include <string_view>

#include "sim/error.hpp"
#include "sim/param_check.hpp"

namespace plait {

namespace {

constexpr std::int64_t kMaxRequests = 20'000'000;      // each costs some 100 bytes in the results
constexpr std::uint32_t kFactsPurpose = 0x72706366;    // "rpcf"
constexpr std::uint32_t kArrivalPurpose = 0x72706361;  // "rpca"

std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" ,"), text.size());
    if (end > 0) names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

void add_hosts(const std::string& list, std::int64_t wanted, const char* key, const char* what,
               std::vector<std::string>& hosts) {
  std::vector<std::string> names = names_in(list);
  if (names.empty()) names.resize(static_cast<std::size_t>(wanted));  // anywhere
  if (static_cast<std::int64_t>(names.size()) != wanted)
    throw UserError(
        fmt::format("{} names {} hosts for {} {}; name one for each, a host as often "
                    "as it has some",
                    key, names.size(), wanted, what));
  hosts.insert(hosts.end(), names.begin(), names.end());
}

void refuse(bool changed, const char* key, const char* other) {
  if (changed)
    throw UserError(fmt::format("{} applies to arrivals {} only; remove it", key, other));
}

}  // namespace

void describe(ParamVisitor& visitor, RpcParams& params) {
  constexpr std::string_view kOurs = "Plait's choice";
  visitor.field({"clients", "number of clients, ranks 0 and up", kOurs}, params.clients,
                {1, 100'000});
  visitor.field({"servers", "number of servers, the ranks after the clients", kOurs},
                params.servers, {1, 100'000});
  visitor.field({"client_hosts",
                 "host of each client, separated by spaces; a host may stand there as often as it "
                 "has GPUs; empty: as placement says",
                 kOurs},
                params.client_hosts);
  visitor.field({"server_hosts", "the same for the servers", kOurs}, params.server_hosts);
  visitor.field({"requests", "requests of each client", kOurs}, params.requests, {1, kMaxRequests});
  visitor.choice({"arrivals", "when a client sends a request", kOurs}, params.arrivals,
                 {{"closed", "after a response and the think time"},
                  {"poisson", "at random, requests_per_s on average"}});
  visitor.field({"concurrency", "requests that a client has under way; arrivals closed", kOurs},
                params.concurrency, {1, 100'000});
  nested(visitor, {"think_time", "from a response to the next request; arrivals closed", ""},
         params.think_time);
  visitor.field({"requests_per_s", "mean rate of each client; arrivals poisson", kOurs},
                params.requests_per_s, {1e-3, 1e9});
  visitor.field({"connections", "connections between a client and a server, used in turn", kOurs},
                params.connections, {1, 1'024});
  nested(visitor, {"request_size", "bytes of a request, headers included", ""},
         params.request_size);
  nested(visitor, {"response_size", "bytes of a response, headers included", ""},
         params.response_size);
  nested(visitor, {"service_time", "time that a worker is busy with a request", ""},
         params.service_time);
  visitor.field({"workers", "requests that a server works on at once; others wait in order", kOurs},
                params.workers, {1, 100'000});
  if (!visitor.begin({"slo", "bounds that a good request keeps", ""})) return;
  visitor.field({"latency", "from arrival to the end of the response; 0us: no bound", kOurs},
                params.slo.latency, {Duration{}, Duration::s(86'400)});
  visitor.end();
}

RpcPlan::RpcPlan(const RpcParams& params, std::uint64_t seed) : params_(params), seed_(seed) {
  check_ranges(params, "rpc");
  if (params.clients * params.requests > kMaxRequests)
    throw UserError(fmt::format("{} clients with {} requests each are {} requests; at most {} fit",
                                params.clients, params.requests, params.clients * params.requests,
                                kMaxRequests));
  const RpcParams defaults;
  if (params.arrivals == RpcArrivals::kPoisson) {
    gap_ = mean_gap(params.requests_per_s);
    refuse(params.concurrency != defaults.concurrency, "concurrency", "closed");
    refuse(params.think_time.mean != defaults.think_time.mean, "think_time", "closed");
  } else {
    refuse(params.requests_per_s != defaults.requests_per_s, "requests_per_s", "poisson");
  }
  add_hosts(params.client_hosts, params.clients, "client_hosts", "clients", hosts_);
  add_hosts(params.server_hosts, params.servers, "server_hosts", "servers", hosts_);
}

RpcPlan::Route RpcPlan::route(std::uint32_t client, std::uint32_t number) const {
  const auto connections = static_cast<std::uint32_t>(params_.connections);
  return {(client + number) % servers(), number / servers() % connections};
}

std::uint32_t RpcPlan::number(std::uint32_t client, const Route& route, std::uint32_t count) const {
  const auto connections = static_cast<std::uint32_t>(params_.connections);
  const std::uint32_t place = (route.server + servers() - client % servers()) % servers();
  return (count * connections + route.connection) * servers() + place;
}

std::uint64_t RpcPlan::requests_to(std::uint32_t server) const {
  std::uint64_t sum = 0;
  for (std::uint32_t client = 0; client < clients(); ++client) {
    const std::uint32_t place = (server + servers() - client % servers()) % servers();
    sum += requests() / servers() + (place < requests() % servers() ? 1 : 0);
  }
  return sum;
}

RpcPlan::Facts RpcPlan::facts(std::uint32_t client, std::uint32_t number) const {
  RandomStream random(seed_, client * requests() + number, kFactsPurpose);
  Facts facts;
  facts.request_size = params_.request_size.draw(random);
  facts.response_size = params_.response_size.draw(random);
  facts.service_time = params_.service_time.draw(random);
  facts.think_time = params_.think_time.draw(random);
  return facts;
}

RandomStream RpcPlan::arrivals_of(std::uint32_t client) const {
  return {seed_, client, kArrivalPurpose};
}

}  // namespace plait
