// SPDX-License-Identifier: Apache-2.0
// Scenarios from text to results: what is refused and how, what reads back, what changes results.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "sim/error.hpp"
#include "sim/random.hpp"
#include "study/json_output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"
#include "tests/support/test_folder.hpp"

namespace plait {
namespace {

const std::string kExamples = PLAIT_SOURCE_DIR "/examples/";

// Two hosts, one message: small enough to change at will.
const std::string kSmall = R"(fabric:
  topology: {kind: single_switch, hosts: 4}
  host: {gpus: 1, nics: 1}
  link: {rate: 100Gbps, delay: 1us}
transport: {mtu: 1000B}
jobs:
  - name: probe
    traffic: {pattern: shift, ranks: 4, size: 10KB}
run: {seed: 7}
)";

Scenario small(const std::vector<std::string>& settings = {}) {
  return parse_scenario(kSmall, "s.yaml", "", settings);
}

std::string error_of(const std::string& text, const std::vector<std::string>& settings = {}) {
  try {
    run_scenario(parse_scenario(text, "s.yaml", "", settings), {1, {}});
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

std::string error_with(const std::vector<std::string>& settings) {
  return error_of(kSmall, settings);
}

std::string values_of(const Scenario& scenario) {
  std::string text;
  for (const ResolvedLine& line : scenario.resolved) text += line.path + "=" + line.value + "\n";
  return text;
}

std::vector<std::string> warnings_with(const std::vector<std::string>& settings) {
  return build_experiment(small(settings)).warnings;
}

std::string origin_of(const Scenario& scenario, const std::string& path) {
  for (const ResolvedLine& line : scenario.resolved)
    if (line.path == path) return line.origin;
  return "no such line";
}

}  // namespace

TEST_CASE("a scenario is read into its parts", "[scenario]") {
  const Scenario scenario = load_scenario(kExamples + "megatron_tp8/eight_hosts.yaml");
  CHECK(scenario.name == "eight_hosts");
  CHECK(kind_name(scenario.fabric.topology) == "leaf_spine");
  CHECK(scenario.fabric.host.gpus == 1);
  CHECK(scenario.fabric.link.rate == BitRate::gbps(400));
  CHECK(scenario.fabric.switch_link.rate == BitRate::gbps(400));  // follows link
  CHECK(scenario.transport.mtu == Bytes(4096));
  REQUIRE(scenario.jobs.size() == 1);
  CHECK(scenario.jobs[0].name == "megatron-tp8");
  CHECK(load_scenario(kExamples + "dlrm8/scenario.yaml").name == "dlrm8");
}

TEST_CASE("the link between switches differs only where it is given", "[scenario]") {
  const Scenario scenario = small({"fabric.switch_link.rate=400Gbps", "fabric.link.delay=2us"});
  CHECK(scenario.fabric.link.rate == BitRate::gbps(100));
  CHECK(scenario.fabric.switch_link.rate == BitRate::gbps(400));
  CHECK(scenario.fabric.switch_link.delay == Duration::us(2));
}

TEST_CASE("what follows fabric.link says so", "[scenario]") {
  const Scenario scenario = small({"fabric.switch_link.delay=2us"});
  CHECK(origin_of(scenario, "fabric.switch_link.rate") == "from fabric.link");
  CHECK(origin_of(scenario, "fabric.switch_link.delay") == "--set");
  CHECK(origin_of(scenario, "fabric.switch_link.lanes") == "default");  // link's own is default too
  const std::vector<ListedParam> params =
      filter_params(scenario_params(), "fabric.switch_link.rate");
  REQUIRE(params.size() == 1);
  CHECK(params[0].help.find("where not given, as fabric.link.rate") != std::string::npos);
}

TEST_CASE("load balancing that reorders is told where receivers go back N", "[scenario]") {
  const std::vector<std::string> spines{
      "fabric.topology={kind: leaf_spine, hosts: 4, hosts_per_leaf: 2, spines: 2}"};
  const auto warnings = [&](std::vector<std::string> settings, bool choice = true) {
    if (choice) settings.insert(settings.begin(), spines.begin(), spines.end());
    return warnings_with(settings);
  };
  const std::string kind = "fabric.switch.load_balancing.kind";
  CHECK(warnings({kind + "=flowlet"}).empty());
  CHECK(warnings({kind + "=random"}) ==
        std::vector<std::string>{
            "--set fabric.switch.load_balancing.kind=random: fabric.switch.load_balancing.kind: "
            "packets of one flow overtake each other, and receivers that go back N take each for a "
            "loss"});
  CHECK(warnings({kind + "=round_robin"}).size() == 1);
  CHECK(warnings({kind + "=adaptive"}).size() == 1);
  CHECK(warnings({kind + "=flowlet", "fabric.switch.load_balancing.flowlet_gap=0ps"}).size() == 1);
  CHECK(warnings({"transport.entropy.kind=round_robin"}).size() == 1);
  CHECK(warnings({kind + "=random"}, false).empty());  // one switch: no choice
  CHECK(warnings({kind + "=random", "transport.reliability=selective_repeat"}).empty());
  // HPCC also compares the queues of one path.
  const std::string hpcc = "transport.congestion_control={kind: hpcc}";
  CHECK(warnings({hpcc}).empty());
  CHECK(warnings({hpcc, kind + "=random"}).size() == 2);
}

TEST_CASE("queue pairs that give up are named when the run cannot go on", "[scenario]") {
  // Half of all frames are lost on each link, so a packet and its ACK come through once in 16
  // times; 40 of them (4 messages, 10 packets each) do not all do so at the first or second
  // attempt.
  std::string text;
  std::shared_ptr<RunOutcome> outcome;
  try {
    run_scenario(small({"fabric.wire.loss=0.5", "transport.retry_limit=1", "transport.rto=100us"}),
                 {1, {}});
  } catch (const StuckRun& error) {
    text = error.what();
    outcome = error.outcome();
  }
  INFO(text);
  CHECK(text.find("flow host0/gpu0 -> host1/gpu0 gave up after ") != std::string::npos);
  // The limit and one more.
  CHECK(text.find(" after 2 timeouts in a row without progress (") != std::string::npos);
  CHECK(text.find("transport.retry_limit and transport.rto decide") != std::string::npos);
  CHECK(text.find("fabric.routing.convergence") == std::string::npos);  // there are no faults
  CHECK(text.find("(stream 1, queue pair 0)") != std::string::npos);
  CHECK(text.find("job 'probe' cannot go on") != std::string::npos);
  REQUIRE(outcome != nullptr);
  CHECK(outcome->end == RunEnd::kDeadlock);
  CHECK_FALSE(outcome->results.context.complete);
  CHECK_FALSE(outcome->results.jobs[0].finished);
  CHECK(outcome->results.flows.failed > 0);
}

TEST_CASE("one key behind several alternatives is listed with the default of each", "[scenario]") {
  std::map<std::string, std::string> default_with;
  for (const ListedParam& param :
       filter_params(scenario_params(), "transport.congestion_control.min_rate"))
    default_with[param.only_with] = param.default_value;
  const std::string kind = "transport.congestion_control.kind = ";
  CHECK(default_with.at(kind + "dcqcn") == "1Mbps");
  CHECK(default_with.at(kind + "timely") == "10Mbps");
  CHECK(default_with.at(kind + "dctcp") == "0bps");
}

TEST_CASE("settings that make a lossless fabric lose packets are told", "[scenario]") {
  CHECK(warnings_with({}).empty());
  CHECK(warnings_with({"transport.data_priority=5"}) ==
        std::vector<std::string>{
            "--set transport.data_priority=5: transport.data_priority: data travel on priority 5, "
            "which is not lossless: PFC is enabled, but fabric.switch.pfc.priorities is \"3\", so "
            "full buffers drop data"});
  CHECK(
      warnings_with({"transport.data_priority=5", "fabric.switch.pfc.priorities=\"3 5\""}).empty());
  CHECK(warnings_with({"transport.data_priority=5", "fabric.switch.pfc.enabled=false"}).empty());
  // There and back 1 us of cable each and 400 ns of the switch: 2.4 us at 100 Gbps = 30,000 bytes;
  // 3 packets of 1000 + 62 + 20; a pause frame of 64 + 20. In all 33,330.
  CHECK(warnings_with({"fabric.switch.pfc.headroom=33330B"}).empty());
  const std::vector<std::string> small_headroom =
      warnings_with({"fabric.switch.pfc.headroom=33329B"});
  REQUIRE(small_headroom.size() == 1);
  CHECK(small_headroom[0].find("less than the 33.33KB") != std::string::npos);
}

TEST_CASE("a congestion control without its signal is refused or told", "[scenario]") {
  const std::string kind = "transport.congestion_control.kind=";
  CHECK(error_with({kind + "dctcp"}) ==
        "s.yaml:5:12: transport.cnp_mode: congestion control dctcp counts marked packets, so every "
        "ACK must tell; set it to ack_echo");
  CHECK(warnings_with({kind + "dctcp", "transport.cnp_mode=ack_echo"}).empty());
  const std::string no_ecn = "fabric.switch.ecn.enabled=false";
  for (const std::string marked : {"dctcp", "dcqcn"})
    CHECK(warnings_with({kind + marked, "transport.cnp_mode=ack_echo", no_ecn}) ==
          std::vector<std::string>{
              "--set fabric.switch.ecn.enabled=false: fabric.switch.ecn.enabled: the congestion "
              "control reacts to marks only, and no switch marks: every flow stays at line rate"});
  for (const std::string timed : {"timely", "swift"}) {
    CHECK(warnings_with({kind + timed, no_ecn}).empty());
    CHECK(warnings_with({kind + timed, "transport.ack_interval=4"}) ==
          std::vector<std::string>{
              "--set transport.ack_interval=4: transport.ack_interval: with one ACK per 4 packets "
              "only packets that cause an ACK are timed, so the rate reacts later"});
  }
  CHECK(warnings_with({kind + "dctcp", "transport.cnp_mode=ack_echo", "transport.ack_interval=4"})
            .size() == 1);
  CHECK(warnings_with({kind + "dcqcn", "transport.ack_interval=4"}).empty());
}

TEST_CASE("keys that do not apply to a job are refused", "[scenario]") {
  CHECK(error_with({"jobs.probe.groups=g.json"}) ==
        "--set jobs.probe.groups=g.json: jobs.0.groups: applies to jobs with a trace only; remove "
        "it");
  CHECK(error_with({"jobs.probe.strict=true"}).find("jobs.0.strict: applies to") !=
        std::string::npos);
  CHECK(error_with({"jobs.probe.ranks=4"}).find("jobs.0.ranks: applies to") != std::string::npos);
  CHECK(error_with({"jobs.probe.traffic={pattern: permutation, ranks: 4, shift: 2}"})
            .find("jobs.0.traffic.shift: applies to pattern shift only") != std::string::npos);
  CHECK(error_with({"jobs=[{collective: {kind: barrier, ranks: 4, size: 1MB}}]"})
            .find("jobs.0.collective.size: applies to") != std::string::npos);
  CHECK(error_with({"jobs=[{collective: {kind: barrier, ranks: 4}}]"}) == "no error");
}

TEST_CASE("what no machine could hold is refused before it is built", "[scenario]") {
  CHECK(error_with({"fabric.topology={kind: leaf_spine, hosts: 100000}", "fabric.host.nics=256"})
            .find("100000 hosts with 256 NICs each make a fabric of") != std::string::npos);
  CHECK(error_with({"jobs.probe.traffic={pattern: all_to_all, ranks: 100000}"})
            .find("all_to_all between 100000 ranks has 9999900000 flows") != std::string::npos);
  CHECK(error_with({"jobs=[{collective: {kind: all_to_all, ranks: 100000}}]"})
            .find("9999900000 flows") != std::string::npos);
  CHECK(error_with({"fabric.host.gpus=129"}).find("legal is 0 to 128") != std::string::npos);
  CHECK(error_with({"fabric.link.delay=2ms"}).find("legal is 1ps to 1ms") != std::string::npos);
}

TEST_CASE("a host preset brings GPU and scale-up network, keys beside it win", "[scenario]") {
  const Scenario scenario = small({"fabric.host={preset: dgx_h100, gpus: 2}"});
  CHECK(scenario.fabric.host.gpus == 2);
  CHECK(scenario.fabric.host.nics == 8);
  CHECK(scenario.fabric.host.gpu.peak_tflops == 989.4);
  CHECK(scenario.fabric.host.scale_up.rate == BitRate::gigabytes_per_s(450));
  const auto line =
      std::find_if(scenario.resolved.begin(), scenario.resolved.end(),
                   [](const ResolvedLine& l) { return l.path == "fabric.host.gpu.peak_tflops"; });
  REQUIRE(line != scenario.resolved.end());
  CHECK(line->origin == "preset dgx_h100");
}

TEST_CASE("what cannot be is refused with its place", "[scenario]") {
  CHECK(error_with({"fabric.link.rate=0Gbps"}) ==
        "--set fabric.link.rate=0Gbps: fabric.link.rate: 0Gbps is out of range; legal is 1Mbps to "
        "100Tbps");
  CHECK(error_with({"fabric.link.rate=-1Gbps"}) ==
        "--set fabric.link.rate=-1Gbps: fabric.link.rate: -1Gbps is out of range; legal is 1Mbps "
        "to 100Tbps");
  CHECK(error_with({"transport.congestion_control.kind=dcqnc"})
            .starts_with("--set transport.congestion_control.kind=dcqnc: "
                         "transport.congestion_control.kind: there is no 'dcqnc'; did you mean "
                         "'dcqcn'? legal: none, dcqcn"));
  CHECK(error_with({"jobs.probe.traffic.ranks=5"}) ==
        "s.yaml:7:5: jobs.0: job 'probe' has 5 ranks, but the fabric has 4 GPUs; raise the number "
        "of hosts or fabric.host.gpus");
  CHECK(error_with({"jobs.probe.trace=x.{rank}.et"}) ==
        "s.yaml:7:5: jobs.0: job 'probe' has trace and traffic; give exactly one of trace, flows, "
        "traffic, collective, rpc, serving, storage, generate");
  CHECK(error_with({"jobs=[{name: a}]"}) ==
        "--set jobs=[{name: a}]: jobs.0: job 'a' has nothing to do; give exactly one of trace, "
        "flows, traffic, collective, rpc, serving, storage, generate");
  CHECK(error_with({"jobs=[]"}) == "--set jobs=[]: jobs: a scenario needs at least one job");
  CHECK(error_of("run: {seed: 1}\n") == "s.yaml: jobs: a scenario needs at least one job");
  CHECK(error_with({"jobs.0.name=a b"}) ==
        "--set jobs.0.name=a b: jobs.0.name: 'a b' is not a name: use letters, digits, _ and -");
  CHECK(error_with({"run.fidelity=flow"}) ==
        "--set run.fidelity=flow: run.fidelity: there is no 'flow'; legal: packet, analytic, "
        "loggops");
  CHECK(error_with({"fabric.switch.ecn.k_min=2MB"}) ==
        "--set fabric.switch.ecn.k_min=2MB: fabric.switch.ecn.k_min: 2MB is above k_max 1.6MB");
  CHECK(error_with({"fabric.switch.pfc.priorities=9"})
            .rfind("--set fabric.switch.pfc.priorities=9: fabric.switch.pfc.priorities: '9' is "
                   "not a priority",
                   0) == 0);
  const std::string missing = error_with({"jobs=[{name: a, trace: \"nowhere/t.{rank}.et\"}]"});
  CHECK(missing.find("jobs.0.trace: ") != std::string::npos);
  CHECK(missing.find("nowhere/t.{rank}.et: folder nowhere cannot be read") != std::string::npos);
}

TEST_CASE("the analytic fidelity runs the same scenario and says what it is", "[scenario]") {
  const std::string analytic = "run.fidelity=analytic";
  // 10 packets of 1000 + 62 + 20 bytes at 80 ps/byte on two cables of 1 us, 400 ns in the switch.
  const double message_us = 11 * 1082 * 80e-6 + 2 + 0.4;
  const RunOutcome outcome = run_scenario(small({analytic}), {1, {}});
  CHECK(outcome.results.message_completion.max.to_us() == Approx(message_us));
  CHECK(outcome.results.message_slowdown.max == 1.0);
  CHECK(report(outcome.results).find("Fidelity analytic: closed-form costs, no contention") !=
        std::string::npos);
  CHECK(summary_json(outcome.results).find("\"fidelity\": \"analytic\"") != std::string::npos);
  CHECK(outcome.warnings.empty());
}

TEST_CASE("overrides of collectives are read, used and checked", "[scenario]") {
  const std::string job = "jobs=[{name: a, collective: {kind: all_reduce, size: 1MiB, ranks: 4}}]";
  const std::string path = "collectives.overrides=";
  const RunOutcome outcome = run_scenario(
      small({job, path + "[{kind: all_reduce, to: 1MiB, algorithm: ring, protocol: ll}, "
                         "{group: \"*\", from: 1MiB, algorithm: tree, protocol: ll128}]"}),
      {1, {}});
  REQUIRE(outcome.results.collectives.size() == 1);
  CHECK(outcome.results.collectives[0].algorithm == "tree");
  CHECK(outcome.results.collectives[0].protocol == "ll128");
  CHECK(report(outcome.results).find("tree ll128") != std::string::npos);
  CHECK(summary_json(outcome.results).find("\"protocol\": \"ll128\"") != std::string::npos);

  CHECK(error_with({job, path + "[{algorithm: rign}]"}).find("did you mean 'ring'?") !=
        std::string::npos);
  CHECK(error_with({job, path + "[{kind: all_gather, algorithm: tree}]"})
            .find("collectives.overrides.0.algorithm: all_gather has no algorithm 'tree'") !=
        std::string::npos);
  CHECK(error_with({job, path + "[{from: 2MiB, to: 1MiB}]"})
            .find("collectives.overrides.0.from: 2MiB is not below `to`, 1MiB") !=
        std::string::npos);
  CHECK(error_with({job, "collectives.algorithm=nvls"})
            .find("jobs.0: job 'a': group 'all' cannot run all_reduce with algorithm nvls") !=
        std::string::npos);
}

TEST_CASE("the analytic fidelity refuses what it cannot honour, at its place", "[scenario]") {
  const std::string analytic = "run.fidelity=analytic";
  CHECK(error_with({analytic, "faults=[{at: 1us, link: \"host0:leaf0\", action: down}]"})
            .find("run.fidelity is analytic, which has no packets that a fault could meet; remove "
                  "this, or choose run.fidelity: packet") != std::string::npos);
  CHECK(error_with({analytic, "fabric.pinned_paths=paths.csv"}) ==
        "--set fabric.pinned_paths=paths.csv: fabric.pinned_paths: run.fidelity is analytic, which "
        "has no packets that could take a path; remove this, or choose run.fidelity: packet");
}

TEST_CASE("an unconnected topology is refused", "[scenario]") {
  const test::TestFolder folder("islands");
  const std::string file = folder.file("islands.txt");
  std::ofstream(file) << "host a\nhost b\nswitch s\nswitch t\nlink a s 100Gbps 1us\nlink b "
                         "t 100Gbps 1us\n";
  const std::string error =
      error_with({"fabric.topology={kind: file, path: " + file + "}", "jobs.0.traffic.ranks=2"});
  CHECK(error.find("fabric.topology: ") != std::string::npos);
  CHECK(error.find("a") != std::string::npos);
  CHECK(error != "no error");
}

TEST_CASE("every example's resolved text reads back to the same scenario", "[scenario]") {
  for (const char* file :
       {"megatron_tp8/nvswitch.yaml", "megatron_tp8/two_hosts.yaml",
        "megatron_tp8/eight_hosts.yaml", "dlrm8/scenario.yaml", "incast32/pfc.yaml",
        "incast32/no_pfc.yaml", "permutation128/scenario.yaml"}) {
    INFO(file);
    const Scenario first = load_scenario(kExamples + file);
    for (const bool origins : {true, false}) {
      const Scenario second = parse_scenario(scenario_yaml(first, origins), "resolved", "");
      CHECK(values_of(first) == values_of(second));
    }
  }
}

TEST_CASE("damaged scenarios are refused or read, never worse", "[scenario][fuzz]") {
  const std::string alphabet = "{}[]:,-#&*!|>'\"%@`?\n\t 0aZ.\\\xff\x00<~";
  RandomStream random(1, 0, 0);
  std::size_t refused = 0;
  constexpr std::size_t kRounds = 4000;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::string text = kSmall;
    for (std::uint64_t edits = 1 + random.below(4); edits > 0; --edits) {
      const std::size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0:
          text[at] = alphabet[random.below(alphabet.size())];
          break;
        case 1:
          text.insert(at, 1, alphabet[random.below(alphabet.size())]);
          break;
        case 2:
          text.erase(at, 1 + random.below(20));
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(30)));
      }
    }
    try {
      parse_scenario(text, "fuzz.yaml", "");
    } catch (const UserError&) {
      ++refused;
    }
  }
  CHECK(refused > kRounds / 4);
  CHECK(refused < kRounds);
}

TEST_CASE("placements hand out GPUs host by host or in turn", "[scenario]") {
  const auto hosts = [](const std::string& placement) {
    const Scenario scenario = small(
        {"fabric.host.gpus=2", "jobs.0.placement=" + placement,
         "jobs=[{name: a, traffic: {pattern: shift, ranks: 3}, placement: " + placement +
             "}, {name: b, traffic: {pattern: shift, ranks: 3}, placement: " + placement + "}]"});
    std::vector<std::string> warnings;
    const Fabric fabric = build_fabric(scenario);
    std::vector<std::uint32_t> result;
    for (const JobPlacement& job :
         place_jobs(scenario, *fabric.graph, load_jobs(scenario, fabric.graph.get(), warnings)))
      for (const GpuId gpu : job.gpu) result.push_back(gpu.value());
    return result;
  };
  // Four hosts of two GPUs: host h has GPUs 2h and 2h + 1.
  CHECK(hosts("packed") == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5});
  CHECK(hosts("round_robin") == std::vector<std::uint32_t>{0, 2, 4, 6, 1, 3});
}

TEST_CASE("results do not depend on the number of threads", "[scenario][determinism]") {
  const Scenario scenario = small({"jobs.0.traffic.size=1MB"});
  const RunOutcome one = run_scenario(scenario, {1, {}});
  const RunOutcome three = run_scenario(scenario, {3, {}});
  CHECK(one.end == RunEnd::kFinished);
  CHECK(one.results.records.totals.fingerprint == three.results.records.totals.fingerprint);
  CHECK(one.results.records.messages.size() == 4);
  CHECK(one.results.context.scenario_yaml == three.results.context.scenario_yaml);
}

TEST_CASE("a time limit and a refusing callback cut the run", "[scenario]") {
  const RunOutcome cut = run_scenario(small({"run.until=2us"}), {1, {}});
  CHECK(cut.end == RunEnd::kTimeLimit);
  CHECK_FALSE(cut.results.context.complete);
  std::size_t calls = 0;
  const RunOutcome stopped =
      run_scenario(small({"jobs.0.traffic.size=1GB"}), {1, [&](const StudyProgress& progress) {
                                                          CHECK(progress.share() >= 0);
                                                          return ++calls < 3;
                                                        }});
  CHECK(stopped.end == RunEnd::kStopped);
  CHECK(calls == 3);
}

TEST_CASE("pinned paths come from the columns of a CSV file", "[scenario]") {
  const Fabric fabric = build_fabric(small());  // hosts 0-3, switch 4
  const test::TestFolder folder("paths");
  const std::string file = folder.file("paths.csv");
  const auto read = [&](const std::string& text) {
    std::ofstream(file) << text;
    return read_pinned_paths(file, *fabric.graph);
  };
  const std::vector<PinnedPath> paths = read("src,data_path,ack_path\n1,1-4-0,0-4-1\n");
  REQUIRE(paths.size() == 2);
  CHECK(paths[0].from == EndpointId(1));
  CHECK(paths[0].to == EndpointId(0));
  CHECK(paths[0].nodes == std::vector<NodeId>{NodeId(1), NodeId(4), NodeId(0)});
  CHECK(paths[1].control);
  CHECK(paths[1].from == EndpointId(0));
  CHECK_THROWS_WITH(read("src,data_pth,ack_path\n"),
                    file +
                        ":1: the first line has no column 'data_path'; did you mean "
                        "'data_pth'?");
  CHECK_THROWS_WITH(read("data_path,ack_path\n1-9-0,0-4-1\n"),
                    file + ":2: '9' in path '1-9-0' is not a node number from 0 to 4");
  CHECK_THROWS_WITH(read("data_path,ack_path\n1-4-0\n"),
                    file + ":2: has 1 columns, the first line has 2");
  CHECK_THROWS_WITH(read("data_path,ack_path\n4-1-0,0-4-1\n"),
                    file + ":2: a path starts and ends at a host, but leaf0 is a switch");
  CHECK_THROWS_WITH(read("data_path,ack_path\n1-0,0-4-1\n"),
                    file + ":2: path '1-0' must be host-switch-...-host");
}

}  // namespace plait
