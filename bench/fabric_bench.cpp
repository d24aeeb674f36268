// SPDX-License-Identifier: Apache-2.0
// Whole-fabric benchmark: packet-hops per second, memory per host and start-up of a three-tier fat
// tree with all features on. bench/README.md says how to read it.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "models/flow_process.hpp"
#include "models/simulation.hpp"
#include "sim/random.hpp"
#include "topologies/fat_tree.hpp"

namespace {

using namespace plait;
using Clock = std::chrono::steady_clock;

struct Options {
  std::int64_t hosts = 128;
  std::int64_t mtu = 1000;
  std::int64_t bytes = 2'000'000;
  std::vector<unsigned> threads{1};
  std::string pattern = "permutation";
  std::int64_t stop_us = 0;
  int repeats = 3;
  bool plain = false;
  std::string spray = "ecmp";
  std::string cc = "dcqcn";
};

const std::map<std::string, CcKind> kCcs{{"none", CcKind::kNone},   {"dcqcn", CcKind::kDcqcn},
                                         {"hpcc", CcKind::kHpcc},   {"timely", CcKind::kTimely},
                                         {"swift", CcKind::kSwift}, {"dctcp", CcKind::kDctcp}};

const std::map<std::string, LoadBalancing> kSprays{
    {"ecmp", LoadBalancing::kEcmp},
    {"weighted_ecmp", LoadBalancing::kWeightedEcmp},
    {"flowlet", LoadBalancing::kFlowlet},
    {"round_robin", LoadBalancing::kRoundRobin},
    {"random", LoadBalancing::kRandom},
    {"adaptive", LoadBalancing::kAdaptive},
    {"adaptive_flowlet", LoadBalancing::kAdaptiveFlowlet},
    {"entropy", LoadBalancing::kEcmp},
    {"reps", LoadBalancing::kEcmp}};

struct Sample {
  double wall_s = 0, build_s = 0;
  std::uint64_t hops = 0, windows = 0, fingerprint = 0, marks = 0, pauses = 0;
  SimTime end{};
  std::size_t memory = 0;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

NetworkParams network(const Options& options) {
  NetworkParams params;
  params.record_messages = false;
  params.switches.latency = Duration();
  params.transport.mtu = Bytes(options.mtu);
  params.transport.gap = Bytes(0);
  params.transport.cnp_mode = CnpMode::kAckEcho;
  params.transport.congestion_control.kind = kCcs.at(options.cc);
  if (options.pattern ==
      "idle") {  // one packet per round trip: the cost of a window, not of packets
    params.transport.congestion_control.kind = CcKind::kNone;
    params.transport.congestion_control.none.bdp_multiple = 1e-6;
  }
  const auto spray = kSprays.find(options.spray);
  if (spray != kSprays.end()) params.switches.load_balancing.kind = spray->second;
  if (options.spray == "entropy") params.transport.entropy.kind = EntropyKind::kRandom;
  if (options.spray == "reps") params.transport.entropy.kind = EntropyKind::kReps;
  if (sprays_packets(params.switches.load_balancing) ||
      params.transport.entropy.kind != EntropyKind::kFixed)
    params.transport.reliability = Reliability::kSelectiveRepeat;
  if (options.plain) {
    params.switches.ecn.enabled = params.switches.pfc.enabled = false;
    params.transport.congestion_control.kind = CcKind::kNone;
  }
  return params;
}

// Destination of every host, or itself for none.
std::vector<std::size_t> destinations(const Options& options, std::size_t hosts) {
  std::vector<std::size_t> to(hosts);
  std::iota(to.begin(), to.end(), std::size_t{0});
  if (options.pattern == "idle") {
    to[0] = hosts - 1;
  } else if (options.pattern == "incast") {
    for (std::size_t h = 0; h < hosts; ++h) to[h] = h / 16 * 16;
  } else {
    RandomStream random(1, 0, 0);
    for (std::size_t i = hosts - 1; i > 0; --i) std::swap(to[i], to[random.below(i + 1)]);
    for (std::size_t h = 0; h < hosts; ++h)
      if (to[h] == h) std::swap(to[h], to[(h + 1) % hosts]);
  }
  return to;
}

Sample run_once(const Options& options, unsigned threads) {
  Sample sample;
  const auto build_start = Clock::now();
  FatTreeParams shape;
  shape.hosts = options.hosts;
  FabricParts parts;
  parts.host = {1, 1};
  const FabricGraph graph = build(shape, parts);
  const RouteTable routes(graph);
  Simulation simulation(graph, routes, network(options));
  const auto to = destinations(options, graph.hosts().size());
  std::vector<std::size_t> expected(to.size());
  for (std::size_t h = 0; h < to.size(); ++h) expected[to[h]] += to[h] != h;
  for (std::size_t h = 0; h < to.size(); ++h) {
    std::vector<FlowProcess::Flow> flows;
    if (to[h] != h) flows.push_back({{GpuId(h), GpuId(to[h]), 0}, Bytes(options.bytes)});
    simulation.place(GpuId(h), std::make_unique<FlowProcess>(flows, expected[h]), SimTime());
  }
  sample.build_s = seconds_since(build_start);

  RunOptions run;
  run.threads = threads;
  if (options.stop_us > 0) run.until = SimTime::at(Duration::us(options.stop_us));
  const auto start = Clock::now();
  simulation.run(run);
  sample.wall_s = seconds_since(start);
  const RunRecords records = simulation.records();
  sample.hops = records.totals.packet_hops;
  sample.windows = records.totals.windows;
  sample.fingerprint = records.totals.fingerprint;
  sample.marks = records.totals.ecn_marks;
  sample.pauses = records.totals.pfc_pauses;
  sample.end = records.totals.end;
  sample.memory = simulation.memory_bytes();
  return sample;
}

void print(const Options& options, unsigned threads, std::vector<Sample> samples) {
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.wall_s < b.wall_s; });
  const Sample& median = samples[samples.size() / 2];
  const double rate = 1e-6 * static_cast<double>(median.hops) / median.wall_s;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{:11} hosts {:6} mtu {:5} threads {}: {:7.2f} Mhops/s ({:.2f} best) {:9} hops {:.3f} s, "
      "{:.3f} us/window, simulated {:.1f} us, build {:.2f} s, model {:.1f} KB/host, rss {:.1f} "
      "KB/host, marks {} pauses {} fingerprint {:016x}\n",
      options.pattern, options.hosts, options.mtu, threads, rate,
      1e-6 * static_cast<double>(samples[0].hops) / samples[0].wall_s, median.hops, median.wall_s,
      1e6 * median.wall_s / static_cast<double>(median.windows), median.end.to_us(), median.build_s,
      1e-3 * static_cast<double>(median.memory) / static_cast<double>(options.hosts),
      static_cast<double>(usage.ru_maxrss) / static_cast<double>(options.hosts), median.marks,
      median.pauses, median.fingerprint);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"packet-hops per second of a fat tree"};
  app.add_option("--hosts", options.hosts, "hosts of the fat tree")->capture_default_str();
  app.add_option("--mtu", options.mtu, "payload bytes of a packet")->capture_default_str();
  app.add_option("--bytes", options.bytes, "bytes per flow")->capture_default_str();
  app.add_option("--threads", options.threads, "thread counts to compare")->capture_default_str();
  app.add_option("--pattern", options.pattern, "permutation, incast (16 to 1) or idle (one flow)")
      ->check(CLI::IsMember({"permutation", "incast", "idle"}));
  app.add_option("--stop", options.stop_us, "stop after so many simulated us (loaded phase)");
  app.add_option("--repeats", options.repeats, "runs per figure; the median counts")
      ->capture_default_str();
  app.add_option("--spray", options.spray,
                 "load balancing of the switches, or of the NICs (entropy, reps)")
      ->check(CLI::IsMember(kSprays))
      ->capture_default_str();
  app.add_option("--cc", options.cc, "congestion control")
      ->check(CLI::IsMember(kCcs))
      ->capture_default_str();
  app.add_flag("--plain", options.plain, "without PFC, ECN and DCQCN");
  CLI11_PARSE(app, argc, argv);
  for (const unsigned threads : options.threads) {
    std::vector<Sample> samples;
    for (int i = 0; i < options.repeats; ++i) samples.push_back(run_once(options, threads));
    print(options, threads, samples);
  }
}
