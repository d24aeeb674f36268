// SPDX-License-Identifier: Apache-2.0
// Collective algorithms from the user's files, as scenarios name them.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>

#include "sim/error.hpp"
#include "study/custom_algorithms.hpp"
#include "study/json_output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"

namespace plait {

namespace {

const std::string kData = std::string(PLAIT_SOURCE_DIR) + "/tests/workloads/data/custom_ring_ar8";
const std::string kXml = "{algorithm: custom, file: custom_allreduce.xml}";
const std::string kChakra =
    "{kind: all_reduce, algorithm: custom, file: 'custom_allreduce.{rank}.et.gz', "
    "written_for: 1MiB}";

/// One all-reduce on hosts of one GPU behind one switch.
std::string scenario(const std::string& collectives, const std::string& size = "1MiB",
                     int ranks = 8, const std::string& kind = "all_reduce") {
  return fmt::format(
      "fabric:\n"
      "  topology: {{kind: single_switch, hosts: {0}}}\n"
      "  link: {{rate: 400Gbps, delay: 500ns}}\n"
      "collectives: {1}\n"
      "jobs: [{{name: a, collective: {{kind: {3}, size: {2}, ranks: {0}}}}}]\n",
      ranks, collectives, size, kind);
}

RunOutcome run(const std::string& text, const std::vector<std::string>& settings = {}) {
  return run_scenario(parse_scenario(text, "s.yaml", kData, settings), {1, {}});
}

RunOutcome run_custom(const std::string& override_text, const std::string& size = "1MiB",
                      const std::vector<std::string>& settings = {}) {
  return run(scenario("{overrides: [" + override_text + "]}", size), settings);
}

std::map<GpuId, Bytes> sent(const RunOutcome& outcome) {
  std::map<GpuId, Bytes> bytes;
  for (const FlowRecord& flow : outcome.results.records.flows) bytes[flow.from] += flow.payload;
  return bytes;
}

Duration time_of(const RunOutcome& outcome) {
  REQUIRE(outcome.results.collectives.size() == 1);
  return outcome.results.collectives[0].max;
}

std::string error_of(const std::string& text) {
  try {
    run(text);
  } catch (const UserError& error) {
    std::string what = error.what();
    for (std::size_t at; (at = what.find(kData + "/")) != std::string::npos;)
      what.erase(at, kData.size() + 1);
    return what;
  }
  return "";
}

std::string error_of_override(const std::string& text) {
  return error_of(scenario("{overrides: [" + text + "]}"));
}

}  // namespace

// The file is a ring in the order of the ranks that cuts the data into 8 parts, LL128: as Plait's
// own ring, whose lanes are whole parts as long as they are below its chunk.
TEST_CASE("a ring from MSCCL's XML does what the ring does", "[custom]") {
  for (const std::string size : {"64KiB", "1MiB", "1000000B", "8MiB"}) {
    INFO(size);
    const RunOutcome custom = run_custom(kXml, size);
    const RunOutcome ring = run(scenario("{algorithm: ring, protocol: ll128, channels: 1}", size));
    CHECK(sent(custom) == sent(ring));
    CHECK(time_of(custom) == time_of(ring));
    CHECK(custom.results.records.totals.fingerprint == ring.results.records.totals.fingerprint);
  }
}

TEST_CASE("the override's protocol wins over the file's", "[custom]") {
  const RunOutcome custom =
      run_custom("{algorithm: custom, file: custom_allreduce.xml, protocol: simple}");
  const RunOutcome ring = run(scenario("{algorithm: ring, protocol: simple, channels: 1}"));
  CHECK(time_of(custom) == time_of(ring));
  // 2 (n - 1) / n of 1 MiB, no flags beside it.
  for (const auto& [gpu, bytes] : sent(custom)) CHECK(bytes == Bytes::kibi(14 * 128));
}

TEST_CASE("a ring from Chakra files is the ring with their computes", "[custom]") {
  const RunOutcome ring = run(scenario("{algorithm: ring, protocol: simple, channels: 1}"));
  const RunOutcome custom = run_custom(kChakra);
  CHECK(sent(custom) == sent(ring));
  // Seven steps of each rank add up what came, for 7 us each.
  CHECK(time_of(custom) == time_of(ring) + Duration::us(49));
  // Four times the data: four times the bytes and the computes.
  const RunOutcome larger =
      run(scenario("{algorithm: ring, protocol: simple, channels: 1}", "4MiB"));
  CHECK(sent(run_custom(kChakra, "4MiB")) == sent(larger));
  CHECK(time_of(run_custom(kChakra, "4MiB")) == time_of(larger) + Duration::us(4 * 49));
}

TEST_CASE("results name the algorithm as its file does", "[custom]") {
  const RunOutcome outcome = run_custom(kXml);
  const std::string name = "custom:allreduce_ring_1channelsperring";
  CHECK(outcome.results.collectives[0].algorithm == name);
  CHECK(outcome.results.collectives[0].protocol == "ll128");
  CHECK(report(outcome.results).find(name + " ll128") != std::string::npos);
  CHECK(summary_json(outcome.results).find("\"" + name + "\"") != std::string::npos);
}

TEST_CASE("fidelity analytic prices a custom algorithm by its steps", "[custom]") {
  // A ring's longest way is 14 messages, each alone on its links: the packets add nothing to the
  // closed form but what the last one of a message does behind the others.
  for (const std::string& file : {kXml, kChakra}) {
    const Duration packets = time_of(run_custom(file));
    const Duration priced = time_of(run_custom(file, "1MiB", {"run.fidelity=analytic"}));
    CHECK(priced.to_s() == Approx(packets.to_s()).epsilon(0.05));
  }
}

TEST_CASE("fidelity analytic knows which NICs a custom algorithm leaves by", "[custom]") {
  // Two hosts of four GPUs and four NICs, but one ring: all 2 (n - 1) / n of 64 MiB, 117 MB, leave
  // each host by one NIC, 2.35 ms at 50 GB/s.
  const std::vector<std::string> hosts = {"fabric.topology.hosts=2",
                                          "fabric.host={preset: dgx_h100, gpus: 4, nics: 4}"};
  const std::string simple = "{algorithm: custom, file: custom_allreduce.xml, protocol: simple}";
  const Duration packets = time_of(run_custom(simple, "64MiB", hosts));
  std::vector<std::string> analytic = hosts;
  analytic.emplace_back("run.fidelity=analytic");
  const Duration priced = time_of(run_custom(simple, "64MiB", analytic));
  CHECK(priced.to_s() == Approx(packets.to_s()).epsilon(0.05));
  CHECK(priced.to_s() > 2.35e-3);
}

TEST_CASE("fidelity loggops runs a custom algorithm like the ring that it is", "[custom]") {
  const std::vector<std::string> loggops = {"run.fidelity=loggops"};
  const std::string own = "{algorithm: ring, protocol: ll128, channels: 1}";
  const Duration ring = time_of(run(scenario(own), loggops));
  CHECK(time_of(run_custom(kXml, "1MiB", loggops)) == ring);
  CHECK(time_of(run_custom(kChakra, "1MiB", loggops)) > Duration::us(49));
}

TEST_CASE("an override with a file holds for the calls that it fits", "[custom]") {
  const RunOutcome other =
      run_custom("{algorithm: custom, file: custom_allreduce.xml, from: 2MiB}", "1MiB");
  CHECK(other.results.collectives[0].algorithm.find("custom") == std::string::npos);
  const Scenario both =
      parse_scenario(scenario("{overrides: [" + kXml + ", " + kChakra + "]}"), "s.yaml", kData);
  CHECK(
      custom_algorithm_lines(both) ==
      std::vector<std::string>{
          "algorithm custom:allreduce_ring_1channelsperring: all_reduce of 8 ranks, 112 messages "
          "on at most 1 channels a rank, checked to compute that",
          "algorithm custom:custom_allreduce.{rank}.et.gz: all_reduce of 8 ranks, 112 messages on "
          "at most 1 channels a rank, what it computes is not checked"});
}

TEST_CASE("what a file cannot run is refused with both sides named", "[custom]") {
  const std::string all = "{overrides: [" + kXml + "]}";
  CHECK(error_of(scenario(all, "1MiB", 4)) ==
        "s.yaml:5:8: jobs.0: job 'a': group 'all' cannot run all_reduce with algorithm custom: "
        "custom_allreduce.xml:1: 'allreduce_ring_1channelsperring' is for 8 ranks, and the group "
        "has 4; give the override in collectives.overrides the kind, the group and the sizes that "
        "the file is for");
  CHECK(error_of(scenario(all, "1MiB", 8, "all_gather")) ==
        "s.yaml:5:8: jobs.0: job 'a': group 'all' cannot run all_gather with algorithm custom: "
        "custom_allreduce.xml:1: 'allreduce_ring_1channelsperring' is for all_reduce, and this is "
        "all_gather; give the override in collectives.overrides the kind, the group and the sizes "
        "that the file is for");
  CHECK(error_of_override("{kind: all_gather, algorithm: custom, file: custom_allreduce.xml}") ==
        "s.yaml:4:34: collectives.overrides.0.kind: all_gather, but "
        "'allreduce_ring_1channelsperring' in custom_allreduce.xml:1 is for all_reduce");
}

TEST_CASE("keys of custom algorithms that do not fit each other are refused", "[custom]") {
  CHECK(error_of_override("{algorithm: custom}") ==
        "s.yaml:4:39: collectives.overrides.0.algorithm: custom needs `file` beside it: MSCCL's "
        "XML, or Chakra files with {rank} in the name");
  CHECK(error_of_override("{algorithm: custom, file: none.xml}") ==
        "s.yaml:4:53: collectives.overrides.0.file: none.xml: cannot be read; is there such a "
        "file?");
  CHECK(error_of_override("{algorithm: ring, file: custom_allreduce.xml}") ==
        "s.yaml:4:51: collectives.overrides.0.file: applies to algorithm custom only; set that or "
        "remove it");
  CHECK(error_of_override("{algorithm: custom, file: custom_allreduce.xml, channels: 2}") ==
        "s.yaml:4:85: collectives.overrides.0.channels: the file of algorithm custom says; remove "
        "it");
  CHECK(error_of_override("{algorithm: custom, file: custom_allreduce.xml, written_for: 1MiB}") ==
        "s.yaml:4:88: collectives.overrides.0.written_for: applies to Chakra files ({rank} in the "
        "name) only, an XML file cuts what a call has; remove it");
  CHECK(error_of_override("{algorithm: custom, file: 'custom_allreduce.{rank}.et.gz'}")
            .find("give `written_for` beside it") != std::string::npos);
  CHECK(error_of_override("{algorithm: custom, file: 'custom_allreduce.{rank}.et.gz', "
                          "written_for: 1MiB}")
            .find("legal beside them: all_reduce, all_gather, reduce_scatter, all_to_all") !=
        std::string::npos);
  CHECK(error_of_override("{kind: broadcast, algorithm: custom, written_for: 1MiB, "
                          "file: 'custom_allreduce.{rank}.et.gz'}")
            .find("Chakra files do not say what they compute") != std::string::npos);
  CHECK(error_of_override("{kind: all_reduce, algorithm: custom, written_for: 1MiB, "
                          "file: 'none.{rank}.et'}")
            .find("none.") != std::string::npos);
  CHECK(error_of(scenario("{algorithm: custom}")).find("legal") != std::string::npos);
  CHECK(error_of_override("{algorithm: custm, file: a.xml}").find("did you mean 'custom'") !=
        std::string::npos);
}

}  // namespace plait
