// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file request_results.hpp
/// Figures of requests, by job and class. Definitions: docs/results.md.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/records.hpp"
#include "study/distribution.hpp"
#include "workloads/requests/slo.hpp"

namespace plait {

enum class RequestKind : std::uint8_t { kRpc, kInference, kStorage, kCheckpoint };
std::string_view to_string(RequestKind kind);

/// What the records of one job's requests mean.
struct RequestInfo {
  RequestKind kind = RequestKind::kRpc;
  JobId job;
  std::vector<std::string> classes;  ///< Names; empty: the job has no requests.
  RequestSlo slo;
  /// Storage, checkpoints: operations of every client; id mod this says which one it is.
  std::uint64_t per_client = 0;
};

/// Whether bytes go to or come from storage servers.
bool is_storage(RequestKind kind);

struct RequestSummary {
  JobId job;
  RequestKind kind = RequestKind::kRpc;
  std::string name;                ///< Of the class.
  std::size_t count = 0;           ///< Requests that arrived,
  std::size_t ended = 0;           ///< and of those, that ended. The distributions are of these.
  Distribution<Duration> latency;  ///< end - arrival.
  Distribution<Duration> time_to_first_token;    ///< first - arrival; inference only.
  Distribution<Duration> time_per_output_token;  ///< Of requests with two tokens or more.
  Duration active{};                             ///< First arrival to last end.
  double requests_per_s = 0, units_per_s = 0;    ///< Ended, over `active`.
  /// Storage: the n-th operations of all clients are a round, first arrival to last end. Of those
  /// that ended at every client.
  Distribution<Duration> round;
  double round_bytes_per_s = 0;      ///< Bytes of these over the sum of their times.
  Distribution<Duration> blocked;    ///< first - arrival: training stood still; checkpoints only.
  std::optional<double> good_share;  ///< Kept the SLO, of all that arrived.
};

/// Summaries by class of the job that `info` names. @param requests of all jobs.
std::vector<RequestSummary> summarise_requests(std::span<const RequestRecord> requests,
                                               const RequestInfo& info);

/// From its first piece to the last that its disk finished; 0: none.
Duration active_time(const StorageServerRecord& server);
/// Read and written, over that time.
double bytes_per_s(const StorageServerRecord& server);

bool has_ended(const RequestRecord& request);
Duration request_latency(const RequestRecord& request);  ///< @pre has_ended().
/// (end - first) / (units - 1), rounded down. @pre has_ended(), units > 1.
Duration time_per_output_token(const RequestRecord& request);

}  // namespace plait
