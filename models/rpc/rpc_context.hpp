// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rpc_context.hpp
/// What all processes of an RPC job know, and the numbering of its messages. Nobody changes it but
/// for the logs, whose rules are in models/message_log.hpp.
///
/// A connection is one ordered stream of messages in each direction: what shares it waits behind
/// what was posted before (head-of-line blocking). Which request a message of a connection belongs
/// to, the server knows from the plan (requests go out in the order of their numbers) and the
/// client from the log of the connection (responses may overtake each other at the server).

#include <cstdint>
#include <vector>

#include "models/host_services.hpp"
#include "models/message_log.hpp"
#include "workloads/requests/rpc.hpp"

namespace plait {

struct RpcContext {
  RpcContext(JobId id, const RpcPlan& rpc, std::vector<GpuId> gpus)
      : job(id),
        plan(rpc),
        gpu(std::move(gpus)),
        answered(std::size_t{plan.clients()} * plan.servers() *
                 static_cast<std::size_t>(plan.params().connections)) {}

  const JobId job;
  const RpcPlan plan;
  const std::vector<GpuId> gpu;                     ///< By rank.
  std::vector<MessageLog<std::uint32_t>> answered;  ///< Numbers of requests, by connection().

  std::size_t connection(std::uint32_t client, const RpcPlan::Route& route) const {
    return (std::size_t{client} * plan.servers() + route.server) *
               static_cast<std::size_t>(plan.params().connections) +
           route.connection;
  }
  MessageKey request_key(std::uint32_t client, const RpcPlan::Route& route) const {
    return {gpu[client], gpu[plan.server_rank(route.server).index()], route.connection};
  }
  MessageKey response_key(std::uint32_t client, const RpcPlan::Route& route) const {
    const MessageKey key = request_key(client, route);
    return {key.to, key.from, key.stream};
  }
};

}  // namespace plait
