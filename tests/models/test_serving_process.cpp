// SPDX-License-Identifier: Apache-2.0
// Replicas over a network of closed form: 1 byte in 1 ns, every message 1 us more. The GPU does
// 10^12 FLOP/s and moves 10^12 B/s, so an op of x FLOP and y bytes takes max(x, y) ps.
//
// The model has 4 layers, hidden size 1024, 8 heads of 128, ffn 4096 in two matrices, vocabulary
// 1000. Attention: 4 x 1024^2 + 1024 (norm) = 4,195,328 numbers; ffn: 2 x 1024 x 4096 + 1024 =
// 8,389,632; KV: 2 x 8 x 128 x 2 B = 4096 B a token and layer.
#include <catch2/catch.hpp>

#include "models/serving/serving_process.hpp"
#include "tests/support/process_world.hpp"

namespace plait {
namespace {

ServingParams small() {
  ServingParams params;
  ModelCard card;
  card.layers = 4;
  card.hidden_size = 1024;
  card.heads = card.kv_heads = 8;
  card.head_size = 128;
  card.ffn_size = 4096;
  card.vocabulary = 1000;
  card.learned_positions = card.biases = false;
  params.model = card;
  params.control_message = Bytes(1'000);
  return params;
}

struct ServingRun {
  ServingRun(const ServingParams& params, std::vector<InferenceRequest> requests,
             std::vector<std::uint32_t> hosts = {}) {
    const auto plan = std::make_shared<const ServingPlan>(params, std::move(requests));
    GpuParams gpu;
    gpu.peak_tflops = 1;
    gpu.memory_rate = BitRate::gigabytes_per_s(1'000);
    gpu.flops_efficiency = gpu.memory_efficiency = 1;
    CollectiveParams collective;
    collective.launch = collective.step_intra = collective.step_inter = Duration{};
    JobPlacement placement;
    const std::uint32_t ranks = plan->params().ranks();
    for (std::uint32_t rank = 0; rank < ranks; ++rank) placement.gpu.emplace_back(rank);
    placement.host = hosts.empty() ? std::vector<std::uint32_t>(ranks, 0) : std::move(hosts);
    const auto job = std::make_shared<const JobContext>(JobId(0), "serve", plan->workload(),
                                                        placement, collective, gpu, false);
    const auto context = std::make_shared<ServingContext>(plan, job, SimTime::zero());
    std::vector<ServingProcess*> processes;
    for (std::uint32_t rank = 0; rank < ranks; ++rank)
      processes.push_back(&world.add(std::make_unique<ServingProcess>(context, RankId(rank))));
    end = world.run();
    REQUIRE(world.all_finished());
    for (const ServingProcess* process : processes) {
      process->collect(records);
      ended += process->requests_ended();
      ranks_of.push_back(process->record_until(end));
    }
  }

  testing::ProcessWorld world;
  SimTime end;
  std::vector<RequestRecord> records;
  std::vector<RankRecord> ranks_of;
  std::uint64_t ended = 0;
};

// Of a prompt of 1000 tokens on one rank: attention 2 x 1000 x 4,195,328 + 2 x 8 x 256 x 500,500 =
// 10,440,704,000 FLOP, ffn 2 x 1000 x 8,389,632 = 16,779,264,000; the output 2,048,000.
constexpr std::int64_t kPrefillPs = 4 * (10'440'704'000 + 16'779'264'000) + 2'048'000;

// Of a token at position n on one rank: weights of attention and KV cache, the new entry included,
// then the weights of ffn and output, 2 B a number.
constexpr std::int64_t decode_ps(std::int64_t n) {
  return 4 * (2 * 4'195'328 + 4096 * (n + 1) + 2 * 8'389'632) + 2'048'000;
}

constexpr std::int64_t kCachePs = 4 * 4096 * 1000 * 1'000LL + 1'000'000;  // 16.384 MB

}  // namespace

TEST_CASE("one request in an empty system, one rank each", "[serving]") {
  const InferenceRequest request{Duration::us(5), 1'000, 3};
  SECTION("disaggregated: prefill, KV cache, two decode steps") {
    const ServingRun run(small(), {request});
    const RequestRecord& record = run.records.at(0);
    CHECK(record.arrival == SimTime::at(Duration::us(5)));
    CHECK((record.first - record.arrival).ps() == kPrefillPs);  // 108,881.92 us
    // 16,385 us + 119.144448 us + 119.160832 us
    CHECK((record.end - record.first).ps() == kCachePs + decode_ps(1'001) + decode_ps(1'002));
    CHECK(record.client == RankId(0));
    CHECK(record.server == RankId(1));
    CHECK(record.input_units == 1'000);
    CHECK(record.units == 3);
    CHECK(run.ended == 1);
    CHECK(run.ranks_of[1].compute.ps() == decode_ps(1'001) + decode_ps(1'002));
  }
  SECTION("colocated: no KV cache moves") {
    ServingParams params = small();
    params.mode = ServingMode::kColocated;
    const ServingRun run(params, {request});
    CHECK((run.records[0].first - run.records[0].arrival).ps() == kPrefillPs);
    CHECK((run.records[0].end - run.records[0].first).ps() == decode_ps(1'001) + decode_ps(1'002));
  }
  SECTION("layer-wise: only the cache of the last layer and the wait for its turn remain") {
    ServingParams params = small();
    params.kv_transfer = KvTransferTime::kLayerWise;
    const ServingRun run(params, {request});
    CHECK((run.records[0].first - run.records[0].arrival).ps() == kPrefillPs);
    // A layer's cache takes 4.096 ms, its compute 27.2 ms; the last goes with the first token.
    const std::int64_t cache = 4'096'000'000 + 1'000'000;
    CHECK((run.records[0].end - run.records[0].first).ps() ==
          cache + decode_ps(1'001) + decode_ps(1'002));
  }
  SECTION("a step costs its overhead") {
    ServingParams params = small();
    params.step_overhead = Duration::us(7);
    const ServingRun run(params, {request});
    CHECK((run.records[0].first - run.records[0].arrival).ps() == kPrefillPs + 7'000'000);
  }
  SECTION("an answer of one token never sees decode") {
    const ServingRun run(small(), {{Duration{}, 1'000, 1}});
    CHECK(run.records[0].end == run.records[0].first);
    CHECK(run.end.ps() == kPrefillPs);
  }
}

TEST_CASE("two tensor-parallel ranks: half the compute and the all-reduces", "[serving]") {
  ServingParams params = small();
  params.prefill.tensor_parallel = params.decode.tensor_parallel = 2;
  for (const std::uint32_t apart : {0U, 1U}) {  // a replica on one host, or across two
    const ServingRun run(params, {{Duration{}, 1'000, 3}}, {0, apart, 2, 2 + apart});
    // Norms are not cut. A ring of two sends 2 x 1,024,000 B of an all-reduce of 2,048,000 B, each
    // after the other: 2.048 ms and about 3 us of latency. Eight of them, an all-gather of 1000 B,
    // and 2 us until the second rank knows of the step.
    const std::int64_t compute = 4 * (2'000LL * (4'194'304 / 2 + 1'024) + 2'050'048'000LL / 2 +
                                      2'000LL * (8'388'608 / 2 + 1'024)) +
                                 1'024'000;
    const std::int64_t reduces = 8 * 2'048'000'000LL;
    const std::int64_t ttft = (run.records[0].first - run.records[0].arrival).ps();
    CHECK(ttft > compute + reduces + 8 * 2'000'000);
    CHECK(ttft < compute + reduces + 9 * 6'000'000);
    // Each of two senders has half the cache; a ready message of 2 us tells the decode leader.
    const std::int64_t tpot = (run.records[0].end - run.records[0].first).ps();
    const std::int64_t caches = 4LL * 2'048 * 1'000 * 1'000 + 3'000'000;
    CHECK(tpot > caches + decode_ps(1'001));
    CHECK(tpot < caches + decode_ps(1'001) + 300'000'000);
    for (const RankRecord& rank : run.ranks_of) CHECK(rank.finished);
  }
}

TEST_CASE("requests of one replica run together, those of several side by side", "[serving]") {
  ServingParams params = small();
  const std::vector<InferenceRequest> two(2, {Duration{}, 1'000, 2});
  const ServingRun together(params, two);
  // The first arrives alone and starts at once; the second waits for it.
  CHECK(together.records[0].first.ps() == kPrefillPs);
  CHECK(together.records[1].first.ps() == 2 * kPrefillPs);
  params.prefill.replicas = params.decode.replicas = 2;
  const ServingRun apart(params, two);
  CHECK(apart.records[0].first.ps() == kPrefillPs);
  CHECK(apart.records[1].first.ps() == kPrefillPs);
  CHECK(apart.records[1].end == apart.records[0].end);
}

TEST_CASE("every request ends once, with any parallelism", "[serving]") {
  for (const auto& [prefill, decode] :
       {std::pair(1, 1), std::pair(2, 4), std::pair(4, 2), std::pair(8, 1), std::pair(2, 8)})
    for (const bool layer_wise : {false, true})
      for (const RequestRouting router :
           {RequestRouting::kRoundRobin, RequestRouting::kLeastLoaded}) {
        CAPTURE(prefill, decode, layer_wise);
        ServingParams params = small();
        params.prefill.tensor_parallel = prefill;
        params.decode.tensor_parallel = decode;
        params.prefill.replicas = 3;
        params.decode.replicas = 2;
        params.decode.max_batch = 5;
        params.prefill.max_batch_tokens = 500;
        params.chunked_prefill = layer_wise;
        params.router = router;
        if (layer_wise) params.kv_transfer = KvTransferTime::kLayerWise;
        RequestStreamParams stream;
        stream.count = 30;
        stream.per_s = 200;
        stream.prompt_tokens = {Law::kExponential, 200};
        stream.output_tokens = {Law::kExponential, 4};
        const ServingRun run(params, make_requests(stream, {}, 3));
        CHECK(run.ended == 30);
        for (const RequestRecord& record : run.records) {
          CHECK(record.first > record.arrival);
          CHECK(record.end != SimTime::never());
          CHECK((record.units == 1 ? record.end == record.first : record.end > record.first));
        }
      }
}

TEST_CASE("experts across ranks, with data-parallel attention", "[serving]") {
  ServingParams params = small();
  params.model.experts = 8;
  params.model.active_experts = 2;
  params.model.expert_ffn_size = 512;
  params.model.dense_layers = 1;
  for (PoolParams* pool : {&params.prefill, &params.decode}) {
    pool->replicas = 2;
    pool->tensor_parallel = 2;
    pool->expert_parallel = 4;
  }
  const std::vector<InferenceRequest> requests(9, {Duration::us(3), 50, 4});
  const ServingRun run(params, requests);
  CHECK(run.ended == 9);
  CHECK(run.records.size() == 9);
}

TEST_CASE("a replica without requests ends at once", "[serving]") {
  ServingParams params = small();
  params.prefill.replicas = params.decode.replicas = 3;
  params.prefill.tensor_parallel = 2;
  const ServingRun run(params, {{Duration{}, 10, 2}});
  CHECK(run.ended == 1);
}

}  // namespace plait
