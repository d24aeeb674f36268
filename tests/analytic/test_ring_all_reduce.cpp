// SPDX-License-Identifier: Apache-2.0
// A ring all-reduce over the packet network, from a scenario to its job completion time.
#include <catch2/catch.hpp>

#include "study/run.hpp"

namespace plait {
namespace {

// 1000 B payload + 50 B header at 100 Gbps: s = 84,000 ps. One ACK per message, 50 B: a = 4,000 ps.
// Links of 1 us: d = 1,000,000 ps. No switch latency, no software time.
constexpr std::int64_t kS = 84'000, kA = 4'000, kD = 1'000'000;

std::string scenario(int hosts, std::int64_t bytes) {
  return "fabric:\n"
         "  topology: {kind: single_switch, hosts: " +
         std::to_string(hosts) +
         "}\n"
         "  host: {gpus: 1, nics: 1}\n"
         "  link: {rate: 100Gbps, delay: 1us}\n"
         "  switch: {latency: 0ps, ecn: {enabled: false}}\n"
         "transport:\n"
         "  mtu: 1000B\n"
         "  header: 50B\n"
         "  ack: 50B\n"
         "  gap: 0B\n"
         "  ack_interval: 1024\n"
         "  congestion_control: {kind: none, bdp_multiple: 0}\n"
         "collectives: {algorithm: ring, protocol: simple, launch: 0ps, step_intra: 0ps, "
         "step_inter: 0ps}\n"
         "jobs:\n"
         "  - name: ring\n"
         "    collective: {kind: all_reduce, size: " +
         std::to_string(bytes) + "B, ranks: " + std::to_string(hosts) + "}\n";
}

}  // namespace

TEST_CASE("ring all-reduce: 2 (n - 1) deliveries and what the acknowledgements add", "[analytic]") {
  const int n = GENERATE(2, 3, 8);
  const std::int64_t packets = GENERATE(1, 50);
  // Every rank does the same at the same time. A piece of S/n = P packets is delivered D = 2 (s +
  // d) + (P - 1) s after its start. At that moment the rank has sent its own piece; it acknowledges
  // the one that came, which takes a on its NIC, and then starts the next. So delivery k is at k D
  // + (k - 1) a. The last of the 2 (n - 1) is acknowledged 2 (a + d) later, which ends the job.
  const std::int64_t delivery = 2 * (kS + kD) + (packets - 1) * kS;
  const std::int64_t steps = 2 * (n - 1);
  const std::int64_t expected = steps * delivery + (steps - 1) * kA + 2 * (kA + kD);
  const Scenario s = parse_scenario(scenario(n, n * packets * 1000), "ring", "");
  const RunOutcome outcome = run_scenario(s);
  CHECK(outcome.results.jobs.at(0).job_completion_time.ps() == expected);
}

}  // namespace plait
