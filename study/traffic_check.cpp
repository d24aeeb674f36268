// SPDX-License-Identifier: Apache-2.0
#include "study/traffic_check.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace plait {

namespace {

struct Rule {
  const char* key;
  bool changed;
  bool applies;
  const char* applies_to;
};

std::vector<Rule> rules(const TrafficParams& p) {
  const TrafficParams d;
  const bool ends = p.pattern == TrafficPattern::kIncast || p.pattern == TrafficPattern::kOutcast;
  const bool hot = p.pattern == TrafficPattern::kHotspot;
  const bool rounds = p.arrivals == Arrivals::kRounds;
  const bool poisson = p.arrivals == Arrivals::kPoisson;
  const bool closed = p.arrivals == Arrivals::kClosed;
  return {
      {"shift", p.shift != d.shift, p.pattern == TrafficPattern::kShift, "pattern shift"},
      {"peers", p.peers != d.peers, ends, "patterns incast and outcast"},
      {"center", p.center != d.center, ends, "patterns incast and outcast"},
      {"hot_ranks", p.hot_ranks != d.hot_ranks, hot, "pattern hotspot"},
      {"hot_share", p.hot_share != d.hot_share, hot, "pattern hotspot"},
      {"size", p.size != d.size, p.sizes == FlowSizes::kFixed, "sizes: fixed"},
      {"cdf", p.cdf != d.cdf, p.sizes == FlowSizes::kFile, "sizes: file"},
      {"rounds", p.rounds != d.rounds, rounds, "arrivals: rounds"},
      {"round_gap", p.round_gap != d.round_gap, rounds, "arrivals: rounds"},
      {"load", p.load != d.load, poisson, "arrivals: poisson"},
      {"load_of", p.load_of != d.load_of, poisson, "arrivals: poisson"},
      {"duration", p.duration != d.duration, poisson, "arrivals: poisson"},
      {"flows", p.flows != d.flows, !rounds, "arrivals: poisson and closed"},
      {"concurrency", p.concurrency != d.concurrency, closed, "arrivals: closed"},
      {"think_time", p.think_time != d.think_time, closed, "arrivals: closed"},
  };
}

}  // namespace

void check_traffic(const Scenario& scenario, std::size_t job) {
  const TrafficParams& params = *scenario.jobs[job].traffic;
  const std::string path = fmt::format("jobs.{}.traffic.", job);
  for (const Rule& rule : rules(params))
    if (rule.changed && !rule.applies)
      throw UserError(
          scenario.where(path + rule.key),
          fmt::format("{}{}: applies to {} only; remove it", path, rule.key, rule.applies_to));
  if (params.sizes == FlowSizes::kFile && params.cdf.empty())
    throw UserError(scenario.where(path + "sizes"),
                    path + "sizes: file needs cdf, the name of the file");
}

}  // namespace plait
