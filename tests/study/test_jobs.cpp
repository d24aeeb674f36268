// SPDX-License-Identifier: Apache-2.0
// Several jobs on one fabric: placements, shared GPUs, background, interference, slowdowns by size.
#include <catch2/catch.hpp>
#include <fstream>

#include "sim/error.hpp"
#include "study/interference.hpp"
#include "study/run.hpp"
#include "tests/support/test_folder.hpp"

namespace plait {
namespace {

using Catch::Matchers::Contains;

const std::string kFabric = R"(fabric:
  topology: {kind: single_switch, hosts: 4}
  host: {gpus: 2, nics: 2}
  link: {rate: 100Gbps, delay: 1us}
transport: {mtu: 1000B, congestion_control: {kind: none}}
)";

Scenario scenario(const std::string& jobs) {
  return parse_scenario(kFabric + "jobs:\n" + jobs, "s.yaml", "");
}

std::string placed(const std::string& jobs, std::size_t job) {
  const Experiment experiment = build_experiment(scenario(jobs));
  return placement_text(*experiment.fabric.graph, experiment.placements[job]);
}

std::string error_of(const std::string& jobs) {
  try {
    run_scenario(scenario(jobs), {1, {}});
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

const std::string kShift3 = "- {name: a, traffic: {pattern: shift, ranks: 3}}\n";

}  // namespace

TEST_CASE("rail-aligned jobs pass over hosts of which another has a part", "[jobs]") {
  const std::string b = "- {name: b, traffic: {pattern: shift, ranks: 4}, placement: ";
  CHECK(placed(kShift3, 0) == "host0:0-1 host1:0");
  CHECK(placed(kShift3 + b + "packed}\n", 1) == "host1:1 host2:0-1 host3:0");
  CHECK(placed(kShift3 + b + "rail_aligned}\n", 1) == "host2:0-1 host3:0-1");
}

TEST_CASE("a random placement is a permutation and depends on the seed", "[jobs]") {
  const auto gpus = [](const std::string& seed) {
    Scenario s = scenario("- {name: a, traffic: {pattern: shift, ranks: 8}, placement: random}\n");
    s.run.seed = std::stoll(seed);
    std::vector<std::uint32_t> result;
    const Experiment experiment = build_experiment(s);
    for (const GpuId gpu : experiment.placements[0].gpu) result.push_back(gpu.value());
    return result;
  };
  auto one = gpus("1");
  CHECK(one == gpus("1"));
  CHECK(one != gpus("2"));
  std::sort(one.begin(), one.end());
  CHECK(one == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("hosts in a list and in a file", "[jobs]") {
  CHECK(placed("- {name: a, traffic: {pattern: shift, ranks: 3}, hosts: [host3, host1]}\n", 0) ==
        "host3:0-1 host1:0");
  const test::TestFolder folder("hostfile");
  const auto with_file = [&](const std::string& text) {
    std::ofstream(folder.file("hosts")) << text;
    return "- {name: a, traffic: {pattern: shift, ranks: 3}, hostfile: " + folder.file("hosts") +
           "}\n";
  };
  CHECK(placed(with_file("# head\nhost2 slots=1\nhost0 gpus=1\nhost2\n"), 0) ==
        "host2:0 host0:1 host2:1");
  CHECK_THAT(error_of(with_file("host9\n")),
             Contains("hosts:1: there is no host 'host9'") && Contains("did you mean"));
  CHECK_THAT(error_of(with_file("host1\nhost2 slot=1\n")),
             Contains("hosts:2: unknown option 'slot=1'; legal: slots=N, gpus=0,1,..."));
  CHECK_THAT(error_of(with_file("host1 slots=three\n")), Contains("'three' is not a number of"));
  CHECK_THAT(error_of(with_file("host1 slots=3\n")), Contains("has 2 GPUs that the file has not"));
  CHECK_THAT(error_of(with_file("host1 slots=0\n")), Contains("host 'host1' gets no slots"));
  CHECK_THAT(error_of(with_file("host1 gpus=2\n")), Contains("has no GPU 2; it has 0 to 1"));
  CHECK_THAT(error_of(with_file("host1 gpus=0,0\n")), Contains("GPU 0 of host 'host1' is named"));
  CHECK_THAT(error_of(with_file("host1 slots=1 fast\n")), Contains("'fast' is one word too many"));
  CHECK_THAT(error_of(with_file("\n")), Contains("names no host"));
  CHECK_THAT(error_of(with_file("host1\n\xb3\x01\n")), Contains("hosts:2: is not UTF-8 text"));
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 3}, hostfile: .}\n"),
             Contains("is a folder where a file is due"));
  CHECK_THAT(error_of(with_file("host1\n")), Contains("but its host file names 2 GPUs"));
}

TEST_CASE("jobs that cannot be placed or never end a run", "[jobs]") {
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 2}, hosts: [hos1]}\n"),
             Contains("jobs.0.hosts: there is no host 'hos1'; did you mean 'host1'?"));
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 2}, hosts: [host1, host1]}\n"),
             Contains("host 'host1' is named twice"));
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 2}, hosts: host1}\n"),
             Contains("expected a list of words"));
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 3}, hosts: [host1]}\n"),
             Contains("its hosts have 2 GPUs") && Contains("name more hosts"));
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 3}, background: true}\n"),
             Contains("every job is in the background"));
  CHECK_THAT(error_of(kShift3 + "- {name: b, traffic: {pattern: shift, ranks: 3}, beside: a}\n"),
             Contains("jobs.1.beside: needs shared: true"));
  CHECK_THAT(error_of(kShift3 + "- {name: b, traffic: {pattern: shift, ranks: 3}, beside: c, "
                                "shared: true}\n"),
             Contains("there is no job 'c' before this one"));
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 3, load: 0.3}}\n"),
             Contains("traffic.load: applies to arrivals: poisson only"));
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 3, sizes: file}}\n"),
             Contains("traffic.sizes: file needs cdf"));
  CHECK_THAT(error_of("- {name: a, traffic: {pattern: shift, ranks: 3}, rescale: {ranks: 6}}\n"),
             Contains("rescale: applies to jobs with a trace only"));
}

TEST_CASE("two jobs on the same GPUs share the NIC and keep their messages apart", "[jobs]") {
  // Each sends 10 MB from host0 to host1 over the same NIC of 100 Gb/s: alone 1064 wire bytes of
  // each packet of 1000 make 10 MB last 0.85 ms; together each takes twice that.
  const std::string flow =
      "traffic: {pattern: incast, ranks: 2, size: 10MB}, placement: "
      "round_robin, hosts: [host1, host0]";
  const auto alone = run_scenario(scenario("- {name: a, " + flow + "}\n"), {1, {}});
  const auto both = run_scenario(
      scenario("- {name: a, " + flow + "}\n- {name: b, " + flow + ", shared: true}\n"), {1, {}});
  const double one = alone.results.jobs[0].job_completion_time.to_us();
  for (const JobSummary& job : both.results.jobs)
    CHECK(job.job_completion_time.to_us() == Approx(2 * one).epsilon(0.02));
  REQUIRE(both.results.records.messages.size() == 2);
  CHECK(both.results.records.messages[0].job != both.results.records.messages[1].job);
}

TEST_CASE("the run ends with the last job that is not in the background", "[jobs]") {
  const std::string front = "- {name: front, traffic: {pattern: shift, ranks: 4, size: 100KB}}\n";
  const std::string back =
      "- {name: back, traffic: {pattern: shift, ranks: 4, size: 100MB}, shared: true, background: "
      "true}\n";
  const auto run = [&](unsigned threads) {
    return run_scenario(scenario(front + back), {threads, {}});
  };
  const RunOutcome one = run(1);
  CHECK(one.end == RunEnd::kFinished);
  CHECK(one.results.context.complete);
  CHECK(one.results.jobs[0].finished);
  CHECK_FALSE(one.results.jobs[1].finished);
  const SimTime end = one.results.records.totals.end;
  CHECK(end >= one.results.jobs[0].end);
  // A cable of 1 us out, 400 ns through the switch, and the cable back.
  CHECK(end - one.results.jobs[0].end == Duration::ns(2400));
  CHECK(fingerprint_text(one.results) == fingerprint_text(run(3).results));
  // The cut does not depend on windows, so neither on how they are laid.
  Scenario plain = scenario(front + back);
  plain.run.plain_paths = true;
  const RunOutcome other = run_scenario(plain, {1, {}});
  CHECK(fingerprint_text(other.results) == fingerprint_text(one.results));
  CHECK(other.results.records.totals.end == end);
  // Alone, 100 MB take 8 ms.
  CHECK(end < SimTime::at(Duration::ms(1)));
}

TEST_CASE("a background that ends before the others is told of", "[jobs]") {
  const auto run = [&](const std::string& front, const std::string& back,
                       std::vector<bool> runs = {}) {
    return run_scenario(
        scenario("- {name: front, traffic: {pattern: shift, ranks: 4, size: " + front +
                 "}}\n- {name: back, traffic: {pattern: shift, ranks: 4, size: " + back +
                 "}, shared: true, background: true}\n"),
        {1, {}, std::move(runs)});
  };
  CHECK(run("100KB", "10MB").warnings.empty());
  CHECK(run("10MB", "100KB", {true, false}).warnings.empty());  // it is left out
  const RunOutcome early = run("10MB", "100KB");
  REQUIRE(early.warnings.size() == 1);
  CHECK_THAT(early.warnings[0], Contains("s.yaml:8:92: jobs.1.background: job 'back' ended at ") &&
                                    Contains("before the others, which went on until "));
}

TEST_CASE("collectives.algorithm that no call can have is told of", "[jobs]") {
  const auto warnings = [&](const std::string& algorithm, const std::string& job) {
    return run_scenario(parse_scenario(kFabric + "collectives: {algorithm: " + algorithm +
                                           "}\njobs:\n- {name: a, " + job + "}\n",
                                       "s.yaml", ""),
                        {1, {}})
        .warnings;
  };
  const std::string all_to_all = "collective: {kind: all_to_all, size: 8KB, ranks: 4}";
  CHECK(warnings("pairwise", all_to_all).empty());
  CHECK(warnings("auto", all_to_all).empty());
  CHECK(warnings("ring", "collective: {kind: all_reduce, size: 8KB, ranks: 4}").empty());
  const auto of = warnings("ring", all_to_all);
  REQUIRE(of.size() == 1);
  CHECK_THAT(of[0],
             Contains("collectives.algorithm: no effect: the calls are of kinds without ring, "
                      "which choose among what they have: all_to_all (direct pairwise pxn)"));
  const auto none = warnings("ring", "traffic: {pattern: shift, ranks: 2, size: 1KB}");
  REQUIRE(none.size() == 1);
  CHECK_THAT(none[0], Contains("no effect: no job calls a collective"));
}

TEST_CASE("an override's algorithm that no call can have is told of", "[jobs]") {
  const auto warnings = [&](const std::string& override) {
    return run_scenario(
               parse_scenario(kFabric + "collectives: {overrides: [" + override +
                                  "]}\njobs:\n- {name: a, collective: {kind: all_to_all, size: "
                                  "8KB, ranks: 4}}\n",
                              "s.yaml", ""),
               {1, {}})
        .warnings;
  };
  CHECK(warnings("{algorithm: pairwise}").empty());
  CHECK(warnings("{group: all, algorithm: pairwise, to: 9KB}").empty());
  CHECK(warnings("{kind: all_reduce, algorithm: ring}").empty());  // of one kind: left alone
  const auto of = warnings("{algorithm: pairwise}, {algorithm: ring}");
  REQUIRE(of.size() == 1);
  CHECK_THAT(of[0], Contains("collectives.overrides.1.algorithm: no effect: the calls are of kinds "
                             "without ring, which choose among what they have: all_to_all "));
  const auto size = warnings("{algorithm: pairwise, to: 8KB}");
  REQUIRE(size.size() == 1);
  CHECK_THAT(size[0], Contains("collectives.overrides.0.algorithm: no effect: no job calls a "
                               "collective that it is for"));
  const auto group = warnings("{group: tp*, algorithm: ring}");
  REQUIRE(group.size() == 1);  // not two for the same reason
  CHECK_THAT(group[0], Contains("no job has a group 'tp*'"));
}

TEST_CASE("chunks of a few bytes are refused", "[jobs]") {
  CHECK_THROWS_WITH(
      parse_scenario(kFabric + "collectives: {chunk: 1B}\njobs:\n" + kShift3, "s.yaml", ""),
      Contains("collectives.chunk: 1B is out of range; legal is 1KiB to 64GiB"));
}

TEST_CASE("slowdowns of flows by size", "[jobs]") {
  const test::TestFolder folder("flows");
  std::ofstream(folder.file("f.csv")) << "src,dst,bytes,start\n0,2,1KB,0us\n0,2,10KB,1ms\n"
                                         "0,2,10001B,2ms\n0,2,20MB,3ms\n";
  const auto outcome =
      run_scenario(scenario("- {name: a, flows: " + folder.file("f.csv") + "}\n"), {1, {}});
  const auto& lines = outcome.results.flow_slowdowns;
  REQUIRE(lines.size() == 4);
  CHECK(bin_name(lines[0]) == "up to 10KB");
  CHECK(lines[0].flows == 2);
  CHECK(bin_name(lines[1]) == "10KB to 100KB");
  CHECK(bin_name(lines[2]) == "above 10MB");
  CHECK(bin_name(lines[3]) == "all");
  CHECK(lines[3].flows == 4);
  for (const FlowSlowdown& line : lines) CHECK(line.p999 == Approx(1).epsilon(0.01));
}

TEST_CASE("interference: alone, together, and by pairs", "[jobs]") {
  const std::string flow =
      "traffic: {pattern: incast, ranks: 2, size: 10MB}, shared: true, "
      "placement: round_robin, hosts: ";
  const Scenario s = scenario("- {name: a, " + flow + "[host1, host0]}\n- {name: b, " + flow +
                              "[host1, host0]}\n- {name: c, " + flow + "[host3, host2]}\n");
  InterferenceSettings settings;
  settings.pairs = true;
  settings.threads = 1;
  const Interference result = measure_interference(s, settings);
  // a and b share a NIC, c has its own.
  CHECK(*slowdown(result.jobs[0].alone, result.jobs[0].together) == Approx(2).epsilon(0.02));
  CHECK(*slowdown(result.jobs[0].alone, result.jobs[0].with[1]) == Approx(2).epsilon(0.02));
  CHECK(*slowdown(result.jobs[0].alone, result.jobs[0].with[2]) == Approx(1));
  CHECK(*slowdown(result.jobs[2].alone, result.jobs[2].together) == Approx(1));
  CHECK_FALSE(result.jobs[0].with[0].has_value());
  CHECK_THAT(interference_table(result), Contains("Pairs"));
  CHECK_THAT(interference_json(result), Contains("\"slowdown_with\""));
  CHECK_THROWS_WITH(measure_interference(scenario(kShift3), settings),
                    Contains("there is one job"));
}

}  // namespace plait
