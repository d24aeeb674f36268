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

// Mixtral in miniature would do, but a preset shows that presets work: four hosts of two GPUs.
std::string serving(const std::string& keys) {
  return R"(
fabric:
  topology: {kind: single_switch, hosts: 4}
  host: {preset: dgx_h100, gpus: 2, nics: 2}
  link: {rate: 400Gbps, delay: 1us}
jobs:
  - name: chat
    serving: {)" +
         keys + "}\n";
}

const std::string kSmall =
    "model: {preset: llama3_8b}, layers_per_op: 16, prefill: {tensor_parallel: 4}, decode: "
    "{tensor_parallel: 4}";

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

TEST_CASE("serving with replicas across hosts, for any number of threads", "[requests][serving]") {
  // Packed on hosts of two GPUs: ranks 0-3 (prefill) on hosts 0 and 1, ranks 4-7 on 2 and 3.
  const std::string requests =
      ", requests: {count: 8, per_s: 100, prompt_tokens: {kind: exponential, mean: 300}, "
      "output_tokens: {kind: exponential, mean: 4}}, slo: {time_to_first_token: 50ms}";
  for (const std::string mode : {"", ", kv_transfer: layer_wise, chunked_prefill: true"}) {
    const std::string text = serving(kSmall + mode + requests);
    const Results results = run(text).results;
    const RequestSummary& sum = results.requests.at(0);
    CHECK(sum.kind == RequestKind::kInference);
    CHECK(sum.ended == 8);
    CHECK(sum.good_share.has_value());
    std::int64_t tokens = 0, caches = 0;
    for (const RequestRecord& r : results.records.requests) {
      tokens += r.units;
      // Llama 3 8B: 32 layers x 2 x 8 KV heads x 128 x 2 B = 131,072 B a token.
      if (r.units > 1) caches += r.input_units * 131'072;
    }
    CHECK(sum.units_per_s == Approx(static_cast<double>(tokens) / sum.active.to_s()));
    std::int64_t moved = 0;
    for (const MessageRecord& m : results.records.messages)
      if (m.from.value() < 4 && m.to.value() >= 4) moved += m.size.count();
    CHECK(moved == caches);
    CHECK(results.jobs[0].ranks == 8);
    CHECK(results.jobs[0].finished);
    const auto json = nlohmann::json::parse(summary_json(results));
    CHECK(json["requests"][0]["time_to_first_token_us"]["p50"].get<double>() ==
          Approx(sum.time_to_first_token.p50.to_us()));
    CHECK_THAT(report(results), Contains("chat: 8 of 8 requests ended") &&
                                    Contains("to first token") && Contains("per output token"));
    for (const unsigned threads : {2U, 4U})
      CHECK(summary_json(run(text, threads).results) == summary_json(results));
  }
}

TEST_CASE("more requests a second do not shorten the time to the first token",
          "[requests][serving]") {
  // A prompt of 2000 tokens takes some 20 ms on 4 GPUs: 2 a second queue almost never, 100 a second
  // far more than are served. The prompts are the same at every rate.
  std::vector<double> p99;
  for (const std::string rate : {"2", "30", "100"})
    p99.push_back(run(serving(kSmall + ", requests: {count: 30, per_s: " + rate +
                              ", prompt_tokens: {kind: exponential, mean: 2000}, output_tokens: "
                              "{mean: 2}}") +
                      "run: {fidelity: analytic}\n")
                      .results.requests.at(0)
                      .time_to_first_token.p99.to_us());
  CHECK(p99[1] > 0.99 * p99[0]);
  CHECK(p99[2] > 1.5 * p99[0]);
}

TEST_CASE("packet and analytic fidelity agree where nothing queues", "[requests][serving]") {
  // One rank each: no collectives, only a KV cache over an idle path.
  const std::string text = serving(
      "model: {preset: llama3_8b}, layers_per_op: 16, requests: {count: 3, per_s: 1, "
      "prompt_tokens: {mean: 500}, output_tokens: {mean: 3}}");
  const RequestSummary packet = run(text).results.requests.at(0);
  const RequestSummary analytic = run(text + "run: {fidelity: analytic}\n").results.requests.at(0);
  CHECK(packet.time_to_first_token.max == analytic.time_to_first_token.max);
  CHECK(analytic.latency.max.to_us() == Approx(packet.latency.max.to_us()).epsilon(0.01));
}

TEST_CASE("serving jobs that cannot be are refused with their place", "[requests][serving]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"model: {preset: lama3_8b}",
       "jobs.0.serving.model.preset: there is no preset 'lama3_8b'; did you mean 'llama3_8b'?"},
      {"prefill: {tensor_parallel: 3}",
       "jobs.0.serving: prefill.tensor_parallel 3 does not divide the model's 64 heads"},
      {"decode: {expert_parallel: 2}",
       "jobs.0.serving: decode.expert_parallel is 2, but the model has no experts"},
      {"model: {preset: mixtral_8x7b}, decode: {expert_parallel: 3}",
       "decode.expert_parallel 3 does not divide the model's 8 experts"},
      {"model: {preset: mixtral_8x7b}, decode: {tensor_parallel: 8, expert_parallel: 4}",
       "decode.expert_parallel 4 is no multiple of decode.tensor_parallel 8"},
      {"mode: colocated, decode: {replicas: 2}",
       "decode applies to mode disaggregated only; remove it"},
      {"colocated: {replicas: 2}", "colocated applies to mode colocated only; remove it"},
      {"prefill: {kv_tokens: 1000}", "prefill.kv_tokens: the KV cache of prefill is not limited"},
      {"decode: {kv_tokens: 1000}, requests: {prompt_tokens: {mean: 990}, output_tokens: {mean: "
       "11}}",
       "request 0 has 990 tokens of prompt and 11 of output, but decode.kv_tokens is 1000"},
      {"requests: {file: none.csv}", "none.csv: cannot be opened"},
      {"requests: {file: none.csv, count: 5}", "remove requests.count and requests.per_s"},
      {"requests: {per_s: 0}", "jobs.0.serving.requests.per_s: 0 is out of range"},
      {"requests: {prompt_tokens: {mean: 100000000}}",
       "jobs.0.serving.requests.prompt_tokens.mean: 100000000 is out of range; legal is 1 to "
       "10000000"},
      {"step_overhead: 5", "jobs.0.serving.step_overhead: "},
      {"router: random", "jobs.0.serving.router: there is no 'random'"},
      // 80 layers of 855,638,016 + 2 x 8192, and 2 x 128,256 x 8192, of 2 B each; 1024 tokens of
      // 327,680 B. On two GPUs 70.7 GB each.
      {"decode: {tensor_parallel: 8}",
       "jobs.0.serving: prefill: a GPU needs 141.1 GB for its share of the weights and 0.3 GB for "
       "the KV cache of 1024 tokens, the longest request, but it has 80.0 GB; raise "
       "prefill.tensor_parallel to 2 or more, lower weight_bytes or kv_bytes, or choose a GPU with "
       "more memory (fabric.host)"},
      // 131,072 B a token; on two GPUs 8.0 and 65.5 GB.
      {"model: {preset: llama3_8b}, decode: {kv_tokens: 1000000}",
       "decode: a GPU needs 16.1 GB for its share of the weights and 131.1 GB for the KV cache of "
       "1000000 tokens, its share of decode.kv_tokens, but it has 80.0 GB; raise "
       "decode.tensor_parallel to 2 or more, lower decode.kv_tokens, or"},
      {"model: {preset: deepseek_v3}, mode: colocated, colocated: {expert_parallel: 8}",
       "raise colocated.expert_parallel, lower weight_bytes"},
      {"model: {preset: llama3_8b}, prefill: {tensor_parallel: 8}",
       "jobs.0: job 'chat' has 9 ranks, but the fabric has 8"},
  };
  for (const auto& [keys, message] : cases) {
    CAPTURE(keys);
    CHECK_THAT(error_of(serving(keys)), Contains(message));
  }
  CHECK_THAT(error_of(serving("") + "run: {fidelity: loggops}\n"),
             Contains("jobs.0: serving cannot run with run.fidelity loggops"));
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
