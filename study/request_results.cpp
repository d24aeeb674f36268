// SPDX-License-Identifier: Apache-2.0
#include "study/request_results.hpp"

#include <algorithm>
#include <map>

#include "sim/check.hpp"

namespace plait {

namespace {

// Both directions of storage operations; of others, what the response has.
double units_of(const RequestRecord& request, RequestKind kind) {
  return static_cast<double>(request.units + (is_storage(kind) ? request.input_units : 0));
}

bool within(Duration value, Duration bound) { return bound == Duration{} || value <= bound; }

bool is_good(const RequestRecord& request, const RequestInfo& info) {
  if (!has_ended(request) || !within(request_latency(request), info.slo.latency)) return false;
  if (info.kind != RequestKind::kInference) return true;
  return within(request.first - request.arrival, info.slo.time_to_first_token) &&
         (request.units < 2 ||
          within(time_per_output_token(request), info.slo.time_per_output_token));
}

/// Of one class, request by request.
class Collector {
 public:
  void add(const RequestRecord& request, const RequestInfo& info) {
    first_arrival_ = std::min(first_arrival_, request.arrival);
    ++count_;
    if (is_storage(info.kind)) rounds_[request.id % info.per_client].add(request, info.kind);
    good_ += is_good(request, info) ? 1U : 0U;
    if (!has_ended(request)) return;
    last_end_ = std::max(last_end_, request.end);
    latency_.push_back(request_latency(request));
    units_ += units_of(request, info.kind);
    if (info.kind == RequestKind::kCheckpoint) blocked_.push_back(request.first - request.arrival);
    if (info.kind != RequestKind::kInference) return;
    first_.push_back(request.first - request.arrival);
    if (request.units > 1) per_token_.push_back(time_per_output_token(request));
  }

  RequestSummary summary(const RequestInfo& info) && {
    RequestSummary sum;
    sum.job = info.job;
    sum.kind = info.kind;
    sum.count = count_;
    sum.ended = latency_.size();
    if (sum.ended > 0) sum.active = last_end_ - first_arrival_;
    if (sum.active > Duration{}) {
      sum.requests_per_s = static_cast<double>(sum.ended) / sum.active.to_s();
      sum.units_per_s = units_ / sum.active.to_s();
    }
    if (info.slo.given() && count_ > 0)
      sum.good_share = static_cast<double>(good_) / static_cast<double>(count_);
    sum.latency = distribution(std::move(latency_));
    sum.time_to_first_token = distribution(std::move(first_));
    sum.time_per_output_token = distribution(std::move(per_token_));
    sum.blocked = distribution(std::move(blocked_));
    add_rounds(sum);
    return sum;
  }

 private:
  struct Round {
    SimTime first = SimTime::never(), last{};
    double bytes = 0;
    void add(const RequestRecord& request, RequestKind kind) {
      first = std::min(first, request.arrival);
      last = std::max(last, request.end);  // never() if one has not ended
      bytes += units_of(request, kind);
    }
  };

  void add_rounds(RequestSummary& sum) const {
    std::vector<Duration> times;
    double bytes = 0;
    Duration all;
    for (const auto& [number, round] : rounds_) {
      if (round.last == SimTime::never()) continue;
      times.push_back(round.last - round.first);
      all += times.back();
      bytes += round.bytes;
    }
    if (all > Duration{}) sum.round_bytes_per_s = bytes / all.to_s();
    sum.round = distribution(std::move(times));
  }

  std::vector<Duration> latency_, first_, per_token_, blocked_;
  std::map<std::uint64_t, Round> rounds_;
  SimTime first_arrival_ = SimTime::never(), last_end_{};
  std::size_t count_ = 0, good_ = 0;
  double units_ = 0;
};

}  // namespace

std::string_view to_string(RequestKind kind) {
  switch (kind) {
    case RequestKind::kRpc:
      return "rpc";
    case RequestKind::kInference:
      return "inference";
    case RequestKind::kStorage:
      return "storage";
    case RequestKind::kCheckpoint:
      return "checkpoint";
  }
  return "unknown";
}

bool is_storage(RequestKind kind) {
  return kind == RequestKind::kStorage || kind == RequestKind::kCheckpoint;
}

std::vector<RequestSummary> summarise_requests(std::span<const RequestRecord> requests,
                                               const RequestInfo& info) {
  std::vector<Collector> classes(info.classes.size());
  for (const RequestRecord& request : requests) {
    if (request.job != info.job) continue;
    PLAIT_CHECK_LT(request.request_class, classes.size());
    classes[request.request_class].add(request, info);
  }
  std::vector<RequestSummary> summaries;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    summaries.push_back(std::move(classes[c]).summary(info));
    summaries.back().name = info.classes[c];
  }
  return summaries;
}

Duration active_time(const StorageServerRecord& server) {
  return server.pieces > 0 ? server.last - server.first : Duration{};
}

double bytes_per_s(const StorageServerRecord& server) {
  const Duration active = active_time(server);
  if (active <= Duration{}) return 0;
  return static_cast<double>((server.read + server.written).count()) / active.to_s();
}

bool has_ended(const RequestRecord& request) { return request.end != SimTime::never(); }

Duration request_latency(const RequestRecord& request) { return request.end - request.arrival; }

Duration time_per_output_token(const RequestRecord& request) {
  return (request.end - request.first) / (request.units - 1);
}

}  // namespace plait
