// SPDX-License-Identifier: Apache-2.0
// Whole-fabric benchmark: packet-hops per second, memory per host and start-up of a three-tier fat
// tree with all features on, or with one more. bench/README.md says how to read it; bench/run makes
// a table of many runs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
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
  std::int64_t host_delay_ns = 1000, fabric_delay_ns = 1000;
  std::int64_t ack_priority = 6;
  std::int64_t trim_kb = 0;
  std::int64_t window = 0;  // bytes
  bool selective_repeat = false, record = false, posting_order = false;
  bool empty_windows = false, json = false;
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
  std::uint64_t empty_windows = 0;
  RunTotals totals;
  std::size_t memory = 0;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void choose_load_balancing(const Options& options, NetworkParams& params) {
  const auto spray = kSprays.find(options.spray);
  if (spray != kSprays.end()) params.switches.load_balancing.kind = spray->second;
  if (options.spray == "entropy") params.transport.entropy.kind = EntropyKind::kRandom;
  if (options.spray == "reps") params.transport.entropy.kind = EntropyKind::kReps;
  if (sprays_packets(params.switches.load_balancing) ||
      params.transport.entropy.kind != EntropyKind::kFixed)
    params.transport.reliability = Reliability::kSelectiveRepeat;
}

// What is off in the base, one by one.
void add_features(const Options& options, NetworkParams& params) {
  params.record_messages = params.record_pauses = options.record;
  params.transport.control_priority = options.ack_priority;
  if (options.selective_repeat) params.transport.reliability = Reliability::kSelectiveRepeat;
  if (options.posting_order) params.wire.tie_order = TieOrder::kPosting;
  params.transport.congestion_control.dcqcn.window = Bytes(options.window);
  if (options.trim_kb > 0) {  // only lossy packets are trimmed
    params.switches.pfc.enabled = false;
    params.switches.trimming.enabled = true;
    params.switches.trimming.threshold = Bytes::kilo(options.trim_kb);
    params.transport.reliability = Reliability::kSelectiveRepeat;
  }
}

NetworkParams network(const Options& options) {
  NetworkParams params;
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
  choose_load_balancing(options, params);
  add_features(options, params);
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
  parts.host_link.delay = Duration::ns(options.host_delay_ns);
  parts.fabric_link.delay = Duration::ns(options.fabric_delay_ns);
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
  std::uint64_t events = 0;
  if (options.empty_windows) {
    run.progress_windows = 1;
    run.progress = [&](const RunProgress& progress) {
      if (progress.events == events) ++sample.empty_windows;
      events = progress.events;
      return true;
    };
  }
  const auto start = Clock::now();
  simulation.run(run);
  sample.wall_s = seconds_since(start);
  sample.totals = simulation.records().totals;
  sample.memory = simulation.memory_bytes();
  return sample;
}

double rate(const Sample& sample) {
  return 1e-6 * static_cast<double>(sample.totals.packet_hops) / sample.wall_s;
}

double us_per_window(const Sample& sample) {
  return 1e6 * sample.wall_s / static_cast<double>(sample.totals.windows);
}

// Of the whole process, so of the largest run so far. getrusage() would not do: it counts what the
// parent held before it started this program.
double peak_kb() {
  std::ifstream status("/proc/self/status");
  const std::string key = "VmHWM:";
  for (std::string line; std::getline(status, line);)
    if (line.rfind(key, 0) == 0) return std::stod(line.substr(key.size()));
  return 0;
}

void print_json(const Options& options, unsigned threads, const Sample& median) {
  const auto hosts = static_cast<double>(options.hosts);
  const RunTotals& totals = median.totals;
  const nlohmann::ordered_json json = {
      {"threads", threads},
      {"mhops_per_s", rate(median)},
      {"packet_hops", totals.packet_hops},
      {"wall_s", median.wall_s},
      {"build_s", median.build_s},
      {"simulated_us", totals.end.to_us()},
      {"windows", totals.windows},
      {"empty_windows", median.empty_windows},
      {"us_per_window", us_per_window(median)},
      {"state_kb_per_host", 1e-3 * static_cast<double>(median.memory) / hosts},
      {"peak_kb_per_host", peak_kb() / hosts},
      {"marks", totals.ecn_marks},
      {"pauses", totals.pfc_pauses},
      {"trims", totals.trims},
      {"fingerprint", fmt::format("{:016x}", totals.fingerprint)}};
  fmt::print("{}\n", json.dump());
}

void print(const Options& options, unsigned threads, std::vector<Sample> samples) {
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.wall_s < b.wall_s; });
  const Sample& median = samples[samples.size() / 2];
  if (options.json) {
    print_json(options, threads, median);
    return;
  }
  const RunTotals& totals = median.totals;
  fmt::print(
      "{:11} hosts {:6} mtu {:5} threads {}: {:7.2f} Mhops/s ({:.2f} best) {:9} hops {:.3f} s, "
      "{:.3f} us/window, simulated {:.1f} us, build {:.2f} s, model {:.1f} KB/host, rss {:.1f} "
      "KB/host, marks {} pauses {} trims {} fingerprint {:016x}\n",
      options.pattern, options.hosts, options.mtu, threads, rate(median), rate(samples[0]),
      totals.packet_hops, median.wall_s, us_per_window(median), totals.end.to_us(), median.build_s,
      1e-3 * static_cast<double>(median.memory) / static_cast<double>(options.hosts),
      peak_kb() / static_cast<double>(options.hosts), totals.ecn_marks, totals.pfc_pauses,
      totals.trims, totals.fingerprint);
  if (options.empty_windows)
    fmt::print("windows without an arrival: {} of {}\n", median.empty_windows, totals.windows);
  std::fflush(stdout);
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--hosts", options.hosts, "hosts of the fat tree")->capture_default_str();
  app.add_option("--mtu", options.mtu, "payload bytes of a packet")->capture_default_str();
  app.add_option("--bytes", options.bytes, "bytes per flow")->capture_default_str();
  app.add_option("--threads", options.threads, "thread counts to compare")->capture_default_str();
  app.add_option("--pattern", options.pattern, "permutation, incast (16 to 1) or idle (one flow)")
      ->check(CLI::IsMember({"permutation", "incast", "idle"}));
  app.add_option("--stop", options.stop_us, "stop after so many simulated us (loaded phase)");
  app.add_option("--repeats", options.repeats, "runs per figure; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--spray", options.spray,
                 "load balancing of the switches, or of the NICs (entropy, reps)")
      ->check(CLI::IsMember(kSprays))
      ->capture_default_str();
  app.add_option("--cc", options.cc, "congestion control")
      ->check(CLI::IsMember(kCcs))
      ->capture_default_str();
  app.add_option("--window", options.window, "bytes in flight of a DCQCN flow; 0: any number")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  app.add_option("--host-delay", options.host_delay_ns, "ns from host to switch")
      ->capture_default_str();
  app.add_option("--fabric-delay", options.fabric_delay_ns, "ns from switch to switch")
      ->capture_default_str();
  app.add_option("--ack-priority", options.ack_priority,
                 "of ACKs; data has 3, from 6 on priorities are strict, below they share by DWRR")
      ->check(CLI::Range(0, 7))
      ->capture_default_str();
  app.add_flag("--selective-repeat", options.selective_repeat, "instead of go-back-N");
  app.add_option(
         "--trim", options.trim_kb,
         "trim from so many KB of queue on, with selective repeat and without PFC; 0: never")
      ->check(CLI::Range(0, 1000000));
  app.add_flag("--record", options.record, "record messages and pauses");
  app.add_flag("--posting-order", options.posting_order, "ties as in an event list (lineage)");
  app.add_flag("--plain", options.plain, "without PFC, ECN and DCQCN");
  app.add_flag("--empty-windows", options.empty_windows,
               "count windows without an arrival; slows the run");
  app.add_flag("--json", options.json, "one JSON object a line");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"packet-hops per second of a fat tree"};
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.window > 0 && (options.cc != "dcqcn" || options.plain))
    return app.exit(CLI::ValidationError("--window", "only DCQCN flows have one"));
  for (const unsigned threads : options.threads) {
    std::vector<Sample> samples;
    for (int i = 0; i < options.repeats; ++i) samples.push_back(run_once(options, threads));
    print(options, threads, samples);
  }
}
