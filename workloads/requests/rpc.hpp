// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rpc.hpp
/// Request/response traffic between clients and servers, as pure data: who asks whom for what.
/// Everything about a request follows from its client and its number there, so client and server
/// agree without talking. Semantics and deviations from gRPC: docs/models/rpc.md.

#include <cstdint>
#include <string>
#include <vector>

#include "sim/ids.hpp"
#include "sim/params.hpp"
#include "workloads/requests/laws.hpp"
#include "workloads/requests/slo.hpp"

namespace plait {

enum class RpcArrivals : std::uint8_t {
  kClosed,   ///< A client keeps `concurrency` requests under way, with think time between them.
  kPoisson,  ///< Requests come to each client by a Poisson process, whatever is under way.
};

struct RpcParams {
  std::int64_t clients = 1, servers = 1;
  std::string client_hosts, server_hosts;  ///< Names, separated by spaces or commas; or empty.
  std::int64_t requests = 1'000;           ///< Of each client.
  RpcArrivals arrivals = RpcArrivals::kClosed;
  std::int64_t concurrency = 1;   ///< Closed loop.
  TimeLaw think_time;             ///< Closed loop: response to next request.
  double requests_per_s = 1'000;  ///< Poisson: of each client.
  std::int64_t connections = 1;   ///< Between one client and one server.
  SizeLaw request_size, response_size;
  TimeLaw service_time{Law::kFixed, Duration::us(10)};
  std::int64_t workers = 1;  ///< Requests that a server works on at once.
  RequestSlo slo;
};

void describe(ParamVisitor& visitor, RpcParams& params);

/// Ranks are clients first, then servers.
class RpcPlan {
 public:
  struct Route {
    std::uint32_t server = 0, connection = 0;
  };
  struct Facts {
    Bytes request_size{}, response_size{};
    Duration service_time{};
    Duration think_time{};  ///< Before the request is issued.
  };

  /// @throws UserError on parameters out of range or too many requests.
  RpcPlan(const RpcParams& params, std::uint64_t seed);

  const RpcParams& params() const { return params_; }
  std::uint32_t clients() const { return static_cast<std::uint32_t>(params_.clients); }
  std::uint32_t servers() const { return static_cast<std::uint32_t>(params_.servers); }
  std::uint32_t ranks() const { return clients() + servers(); }
  std::uint32_t requests() const { return static_cast<std::uint32_t>(params_.requests); }
  RankId server_rank(std::uint32_t server) const { return RankId(std::size_t{clients()} + server); }

  /// Round robin over the servers, each client beginning with another; then over the connections.
  Route route(std::uint32_t client, std::uint32_t number) const;
  /// Number of the `count`-th request (from 0) that takes `route`.
  std::uint32_t number(std::uint32_t client, const Route& route, std::uint32_t count) const;
  /// Requests of all clients to `server`.
  std::uint64_t requests_to(std::uint32_t server) const;
  Facts facts(std::uint32_t client, std::uint32_t number) const;
  /// Gaps between the arrivals at a client, Poisson.
  RandomStream arrivals_of(std::uint32_t client) const;
  Duration gap() const { return gap_; }  ///< Mean of those.

  /// Hosts on which the ranks have to be, by rank; empty where none are named.
  const std::vector<std::string>& hosts() const { return hosts_; }

 private:
  RpcParams params_;
  std::uint64_t seed_;
  Duration gap_{};
  std::vector<std::string> hosts_;
};

}  // namespace plait
