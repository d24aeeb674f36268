// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file storage.hpp
/// Storage traffic as pure data: servers, what their clients read and write, and how it is cut into
/// pieces. Files are striped round robin as in Lustre (Operations Manual, "File Striping"); copies
/// go from server to server as in HDFS (Architecture Guide, "Replication Pipelining"). Semantics
/// and deviations: docs/storage.md.

#include <cstdint>
#include <string>
#include <vector>

#include "sim/ids.hpp"
#include "sim/params.hpp"
#include "sim/units.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

enum class StorageAccess : std::uint8_t { kWrite, kRead };

/// What every client does, one operation after another.
struct StorageLoad {
  std::int64_t operations = 0;  ///< Of each client; 0: none.
  Bytes bytes = Bytes::mebi(64);
  Duration first{};
  Duration interval{};  ///< 0: closed loop.
  std::int64_t concurrency = 1;
};

struct StorageParams {
  std::int64_t servers = 1, clients = 0;
  std::string server_hosts, client_hosts;  ///< Names, separated by spaces or commas; or empty.
  Bytes stripe = Bytes::mebi(1);
  std::int64_t in_flight = 8;
  std::int64_t replicas = 1;
  BitRate read_rate{}, write_rate{};  ///< Of one server's disk; 0: no limit.
  Duration access_time{};
  Bytes control_size{256};
  StorageLoad read, write;

  std::uint32_t server_count() const { return static_cast<std::uint32_t>(servers); }
  std::uint32_t client_count() const { return static_cast<std::uint32_t>(clients); }
  std::int64_t pieces(Bytes bytes) const {
    return (bytes.count() + stripe.count() - 1) / stripe.count();
  }
  /// Of piece `number` of `bytes`: the last one may be shorter.
  Bytes piece_size(Bytes bytes, std::int64_t number) const {
    return std::min(stripe, bytes - stripe * number);
  }
  /// How long a disk is busy with a piece.
  Duration service_time(StorageAccess access, Bytes piece) const;
};

void describe(ParamVisitor& visitor, StorageParams& params);

/// @throws UserError naming the setting and what is legal.
void check_storage(const StorageParams& params);

/// Hosts that a list names, one for each of `wanted`; empty names if the list is.
std::vector<std::string> storage_hosts(const std::string& list, std::int64_t wanted,
                                       const char* key);

/// Tags of messages between clients and servers.
constexpr std::uint32_t storage_tag(StorageAccess access) {
  return access == StorageAccess::kWrite ? 0 : 1;
}

/// Server on which the client with place `client` among its job's finds role `role`.
constexpr std::uint32_t storage_server(std::uint32_t client, std::uint32_t role,
                                       std::uint32_t servers) {
  return (client % servers + role) % servers;
}

/// Ranks are clients first, which share one graph, then servers, whose graphs are empty: they are
/// no ranks but models/storage/. @throws UserError as check_storage().
Workload make_storage_workload(const StorageParams& params);

/// Gives `workload` one more rank per server, with an empty graph. Peers with the role
/// `first_role` + k become the k-th server of each rank. @pre bindings, with fewer roles.
void add_storage_servers(Workload& workload, std::uint32_t servers, std::size_t first_role);

/// One operation of a client, as ops of its graph.
struct StorageOperation {
  std::uint32_t kind = 0;  ///< Index into the names asked for.
  Bytes bytes{};
  OpId begin;   ///< Its end is the operation's arrival.
  OpId resume;  ///< Its end lets training go on; invalid: the same as `end`.
  OpId end;
};

/// Operations of `kinds` ("write", "checkpoint" ...) in a graph, in the order in which they were
/// added.
std::vector<StorageOperation> storage_operations(const OpGraph& graph,
                                                 const std::vector<std::string>& kinds);

}  // namespace plait
