// SPDX-License-Identifier: Apache-2.0
// Jobs of requests from text to results.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "sim/error.hpp"
#include "study/json_output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"

namespace plait {
namespace {

using Catch::Matchers::Contains;

std::string rpc(const std::string& keys) {
  return R"(
fabric:
  topology: {kind: single_switch, hosts: 4}
  host: {gpus: 1, nics: 1}
  link: {rate: 100Gbps, delay: 1us}
jobs:
  - name: ask
    rpc: {)" +
         keys + "}\n";
}

RunOutcome run(const std::string& text, unsigned threads = 1) {
  RunSettings settings;
  settings.threads = threads;
  RunOutcome outcome = run_scenario(parse_scenario(text, "s.yaml", ""), settings);
  REQUIRE(outcome.end == RunEnd::kFinished);
  return outcome;
}

std::string error_of(const std::string& text) {
  try {
    run(text);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("an RPC in an empty network takes its two messages and the service", "[requests]") {
  const Results results =
      run(rpc("requests: 5, request_size: {mean: 20KB}, response_size: {mean: 1MB}, "
              "service_time: {mean: 33us}, think_time: {mean: 1us}, server_hosts: host2"))
          .results;
  REQUIRE(results.records.requests.size() == 5);
  REQUIRE(results.records.messages.size() == 10);
  Duration request, response;
  for (const MessageRecord& m : results.records.messages) {
    CHECK(completion_time(m) == m.ideal);  // nobody else is there
    CHECK((m.from == GpuId(0) ? m.to == GpuId(2) : m.to == GpuId(0)));
    (m.from == GpuId(0) ? request : response) = m.ideal;
  }
  for (const RequestRecord& r : results.records.requests)
    CHECK(request_latency(r) == request + Duration::us(33) + response);
  // The ideal itself, by hand: payload and headers of 1 MB on 12.5 GB/s take at least 80 us, then
  // 2 us of cable; headers of RoCE add some percent.
  CHECK(response.to_us() > 82);
  CHECK(response.to_us() < 88);
  // Without the think time the next request would wait for the ACK of the response to leave.
}

TEST_CASE("one connection makes small responses wait behind large ones", "[requests]") {
  const std::string keys =
      "requests: 400, concurrency: 8, workers: 8, request_size: {mean: 100B}, "
      "response_size: {kind: exponential, mean: 1MB}, service_time: {mean: 1us}, connections: ";
  const RequestSummary one = run(rpc(keys + "1")).results.requests.at(0);
  const RequestSummary eight = run(rpc(keys + "8")).results.requests.at(0);
  // Both keep the link busy with the same bytes. In order, every response waits for the seven
  // before it; side by side a small one does not, and half of an exponential law are small.
  CHECK(eight.units_per_s == Approx(one.units_per_s).epsilon(0.05));
  CHECK(eight.latency.p50.to_us() < 0.85 * one.latency.p50.to_us());
}

TEST_CASE("requests are summed up, and the same for any number of threads", "[requests]") {
  const std::string text =
      rpc("clients: 3, requests: 200, arrivals: poisson, requests_per_s: 20000, "
          "response_size: {kind: exponential, mean: 50KB}, service_time: {kind: exponential, mean: "
          "10us}, slo: {latency: 60us}");
  const Results results = run(text).results;
  const RequestSummary& sum = results.requests.at(0);
  CHECK(sum.name == "ask");
  CHECK(sum.count == 600);
  CHECK(sum.ended == 600);
  std::size_t good = 0;
  double bytes = 0;
  SimTime last;
  for (const RequestRecord& r : results.records.requests) {
    good += request_latency(r) <= Duration::us(60) ? 1U : 0U;
    bytes += static_cast<double>(r.units);
    last = std::max(last, r.end);
  }
  CHECK(*sum.good_share == Approx(static_cast<double>(good) / 600));
  CHECK(sum.units_per_s == Approx(bytes / sum.active.to_s()));
  CHECK(sum.requests_per_s == Approx(600 / sum.active.to_s()));
  CHECK_THAT(report(results), Contains("ask: 600 of 600 requests ended") &&
                                  Contains("kept the SLO") && Contains("response bytes/s"));
  const auto json = nlohmann::json::parse(summary_json(results));
  CHECK(json["requests"][0]["latency_us"]["p99"].get<double>() == sum.latency.p99.to_us());
  CHECK_FALSE(json["requests"][0].contains("time_to_first_token_us"));
  for (const unsigned threads : {2U, 4U})
    CHECK(summary_json(run(text, threads).results) == summary_json(results));
}

TEST_CASE("RPC jobs that cannot be are refused with their place", "[requests]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"clients: 0", "s.yaml:8:20: jobs.0.rpc.clients: 0 is out of range"},
      {"workers: 0", "jobs.0.rpc.workers: 0 is out of range"},
      {"requests: 30000000", "jobs.0.rpc.requests: 30000000 is out of range"},
      {"clients: 3, requests: 10000000",
       "jobs.0.rpc: 3 clients with 10000000 requests each are 30000000 requests; at most 20000000"},
      {"request_size: 4KB", "jobs.0.rpc.request_size: "},
      {"request_size: {mean: 4000}", "jobs.0.rpc.request_size.mean: "},
      {"request_size: {kind: pareto}", "jobs.0.rpc.request_size.kind: there is no 'pareto'"},
      {"arrivals: poisson, concurrency: 4",
       "jobs.0.rpc: concurrency applies to arrivals closed only; remove it"},
      {"requests_per_s: 5",
       "jobs.0.rpc: requests_per_s applies to arrivals poisson only; remove it"},
      {"server_hosts: hots2", "jobs.0: there is no host 'hots2'; did you mean 'host2'?"},
      {"clients: 2, client_hosts: host0",
       "jobs.0.rpc: client_hosts names 1 hosts for 2 clients; name one for each"},
      {"clients: 2, client_hosts: host0 host0",
       "jobs.0: no GPU of host 'host0' is left for rank 1"},
      {"clients: 4", "jobs.0: job 'ask' has 5 ranks, but the fabric has 4 GPUs"},
      {"conections: 2", "jobs.0.rpc.conections: unknown key; did you mean 'connections'?"},
      {"slo: {latency: -1us}", "jobs.0.rpc.slo.latency: "},
  };
  for (const auto& [keys, message] : cases) {
    CAPTURE(keys);
    CHECK_THAT(error_of(rpc(keys)), Contains(message));
  }
}

TEST_CASE("a job of requests that is cut short says what is missing", "[requests]") {
  const RunOutcome outcome = run_scenario(
      parse_scenario(rpc("requests: 100, service_time: {mean: 1ms}") + "run: {until: 10ms}\n",
                     "s.yaml", ""),
      {});
  CHECK(outcome.end == RunEnd::kTimeLimit);
  const RequestSummary& sum = outcome.results.requests.at(0);
  CHECK(sum.count == 10);  // the tenth is under way
  CHECK(sum.ended == 9);
  CHECK(sum.latency.count == 9);
  CHECK_FALSE(outcome.results.jobs[0].finished);
}

}  // namespace plait
