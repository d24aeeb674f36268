// SPDX-License-Identifier: Apache-2.0
#include "study/request_results.hpp"

#include <algorithm>

#include "sim/check.hpp"

namespace plait {

namespace {

bool within(Duration value, Duration bound) { return bound == Duration{} || value <= bound; }

bool is_good(const RequestRecord& request, const RequestInfo& info) {
  if (!has_ended(request) || !within(request_latency(request), info.slo.latency)) return false;
  if (info.kind == RequestKind::kRpc) return true;
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
    good_ += is_good(request, info) ? 1U : 0U;
    if (!has_ended(request)) return;
    last_end_ = std::max(last_end_, request.end);
    latency_.push_back(request_latency(request));
    units_ += static_cast<double>(request.units);
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
    return sum;
  }

 private:
  std::vector<Duration> latency_, first_, per_token_;
  SimTime first_arrival_ = SimTime::never(), last_end_{};
  std::size_t count_ = 0, good_ = 0;
  double units_ = 0;
};

}  // namespace

std::string_view to_string(RequestKind kind) {
  return kind == RequestKind::kRpc ? "rpc" : "inference";
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

bool has_ended(const RequestRecord& request) { return request.end != SimTime::never(); }

Duration request_latency(const RequestRecord& request) { return request.end - request.arrival; }

Duration time_per_output_token(const RequestRecord& request) {
  return (request.end - request.first) / (request.units - 1);
}

}  // namespace plait
