// SPDX-License-Identifier: Apache-2.0
#include "study/flow_slowdown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sim/statistics.hpp"
#include "study/results.hpp"
#include "study/text_table.hpp"

namespace plait {

namespace {

constexpr Bytes kNoEnd = Bytes(INT64_MAX);
constexpr std::array<Bytes, 5> kEnds = {Bytes::kilo(10), Bytes::kilo(100), Bytes::mega(1),
                                        Bytes::mega(10), kNoEnd};

struct Bin {
  std::vector<double> slowdowns;
  std::size_t unfinished = 0;

  void add(const MessageRecord& message) {
    if (is_delivered(message))
      slowdowns.push_back(slowdown(message));
    else
      ++unfinished;
  }
};

std::size_t bin_of(Bytes size) {
  return static_cast<std::size_t>(std::lower_bound(kEnds.begin(), kEnds.end(), size) -
                                  kEnds.begin());
}

FlowSlowdown summary(JobId job, Bin bin) {
  FlowSlowdown line;
  line.job = job;
  line.flows = bin.slowdowns.size();
  line.unfinished = bin.unfinished;
  for (const double x : bin.slowdowns) line.mean += x / static_cast<double>(line.flows);
  const Quantiles<double> sorted(std::move(bin.slowdowns));
  if (sorted.empty()) return line;
  line.p50 = sorted.at(0.5);
  line.p95 = sorted.at(0.95);
  line.p99 = sorted.at(0.99);
  line.p999 = sorted.at(0.999);
  return line;
}

}  // namespace

std::vector<FlowSlowdown> summarise_flow_slowdowns(const Results& results) {
  std::vector<FlowSlowdown> lines;
  std::vector<std::array<Bin, kEnds.size() + 1>> bins(results.context.jobs.size());
  for (const MessageRecord& message : results.records.messages) {
    if (message.job.index() >= bins.size()) continue;  // of no job: records made by hand
    auto& of_job = bins[message.job.index()];
    of_job[bin_of(message.size)].add(message);
    of_job.back().add(message);
  }
  for (std::size_t j = 0; j < bins.size(); ++j) {
    if (results.context.jobs[j].kind != JobKind::kTraffic) continue;
    for (std::size_t b = 0; b < bins[j].size(); ++b) {
      if (bins[j][b].slowdowns.empty() && bins[j][b].unfinished == 0) continue;
      FlowSlowdown line = summary(JobId(j), std::move(bins[j][b]));
      line.all = b == kEnds.size();
      line.above = b == 0 || line.all ? Bytes(0) : kEnds[b - 1];
      line.up_to = line.all ? kNoEnd : kEnds[b];
      lines.push_back(line);
    }
  }
  return lines;
}

std::string bin_name(const FlowSlowdown& line) {
  if (line.all) return "all";
  if (line.up_to == kNoEnd) return "above " + to_string(line.above);
  if (line.above == Bytes(0)) return "up to " + to_string(line.up_to);
  return to_string(line.above) + " to " + to_string(line.up_to);
}

std::string flow_slowdown_section(const Results& results) {
  TextTable table("Flow slowdown by size (completion time / ideal)",
                  {"job", "size", "flows", "unfinished", "mean", "p50", "p95", "p99", "p99.9"}, 2);
  const auto number = [](double x) { return fmt::format("{:.2f}", x); };
  for (const FlowSlowdown& line : results.flow_slowdowns)
    table.add({results.context.jobs[line.job.index()].name, bin_name(line),
               std::to_string(line.flows), std::to_string(line.unfinished), number(line.mean),
               number(line.p50), number(line.p95), number(line.p99), number(line.p999)});
  return table.text();
}

}  // namespace plait
