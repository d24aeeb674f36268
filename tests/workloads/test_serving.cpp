// SPDX-License-Identifier: Apache-2.0
// Steps and KV caches of a served model by hand, and request files with their likeliest mistakes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "sim/error.hpp"
#include "sim/random.hpp"
#include "tests/support/test_folder.hpp"
#include "workloads/serving/memory.hpp"
#include "workloads/serving/serving.hpp"
#include "workloads/serving/step_graph.hpp"

namespace plait {
namespace {

ServingParams llama(std::int64_t prefill_tp, std::int64_t decode_tp) {
  ServingParams params;  // Llama 3 70B
  params.prefill.tensor_parallel = prefill_tp;
  params.decode.tensor_parallel = decode_tp;
  return params;
}

}  // namespace

TEST_CASE("Llama 3 70B: the KV cache of a token is 320 KiB", "[serving]") {
  // 80 layers x 2 x 8 KV heads x 128 x 2 B = 327,680 B.
  const ServingParams params = llama(1, 1);
  CHECK(params.model.layers * kv_bytes_per_layer(params, 1) == 327'680);
  CHECK(params.model.layers * kv_bytes_per_layer(params, 8) == 40'960);
  CHECK(params.model.layers * kv_bytes_per_layer(params, 16) == 40'960);  // every head twice
}

TEST_CASE("KV transfers give each decode rank what it will hold", "[serving]") {
  for (const std::int64_t p : {1, 2, 4, 8, 16, 32})
    for (const std::int64_t d : {1, 2, 4, 8, 16, 32}) {
      CAPTURE(p, d);
      const ServingParams params = llama(p, d);
      std::vector<std::int64_t> got(static_cast<std::size_t>(d));
      for (const KvTransfer& transfer : kv_transfers(params)) {
        REQUIRE(transfer.from < p);
        got.at(transfer.to) += transfer.bytes_per_layer;
        // The sender has a share of the heads that overlaps: [from, from + 1) / p and
        // [to, to + 1) / d, each widened to whole heads.
        const auto first = [](std::int64_t rank, std::int64_t n) { return rank * 8 / n; };
        const auto end = [&](std::int64_t rank, std::int64_t n) {
          return first(rank, n) + std::max<std::int64_t>(8 / n, 1);
        };
        CHECK(first(transfer.from, p) < end(transfer.to, d));
        CHECK(first(transfer.to, d) < end(transfer.from, p));
      }
      for (const std::int64_t bytes : got) CHECK(bytes == kv_bytes_per_layer(params, d));
    }
}

TEST_CASE("the ops of a step of Llama 3 70B on 8 ranks", "[serving]") {
  const ServingParams params = llama(8, 8);
  const StepGraphMaker maker(params, params.prefill);
  StepWork work;
  work.add_prompt(0, 1000, true);
  const auto graph = maker.make(work);
  // Each layer: attention, all-reduce, ffn, all-reduce; then the output and its all-gather.
  REQUIRE(graph->size() == 80 * 4 + 2);
  double flops = 0, memory = 0;
  std::int64_t reduced = 0;
  for (const Op& op : graph->ops()) {
    flops += op.flops;
    memory += op.memory_bytes;
    if (op.kind == OpKind::kCollective && op.collective == CollectiveKind::kAllReduce)
      reduced += op.size.count();
  }
  CHECK(reduced == 160LL * 1000 * 8192 * 2);
  // Matrices of a layer: 8192 x (8192 + 2 x 1024 + 8192) + 3 x 8192 x 28672 = 855,638,016; two
  // FLOP each and token. Norms add 2 x 8192 that are not cut. Attention: 2 x 64 heads x (128 + 128)
  // FLOP for each of 1000 x 1001 / 2 pairs. Output: 2 x 8192 x 128256 for one token.
  const double layer = 2.0 * 1000 * (855'638'016 / 8.0 + 2 * 8192) + 32'768.0 * 500'500 / 8;
  CHECK(flops == Approx(80 * layer + 2.0 * 8192 * 128'256 / 8).epsilon(1e-9));
  // Weights once, 2 B each; the KV cache is written and read, 512 B a token, layer and rank.
  const double bytes = 2.0 * (855'638'016 / 8.0 + 2 * 8192) + 512.0 * 2000;
  CHECK(memory == Approx(80 * bytes + 2.0 * 8192 * 128'256 / 8).epsilon(1e-9));
  CHECK(maker.blocks().size() == 80);
  CHECK(maker.blocks().back().ops_before_next == 320);
}

TEST_CASE("layers put together compute and send the same", "[serving]") {
  ServingParams params = llama(4, 4);
  StepWork work;
  for (int i = 0; i < 7; ++i) work.add_decode(500 + i);
  const auto sum = [&](std::int64_t layers_per_op) {
    params.layers_per_op = layers_per_op;
    const StepGraphMaker maker(params, params.decode);
    double flops = 0, memory = 0;
    std::int64_t bytes = 0;
    const auto graph = maker.make(work);
    for (const Op& op : graph->ops()) {
      flops += op.flops;
      memory += op.memory_bytes;
      bytes += op.size.count();
    }
    return std::tuple(graph->size(), flops, memory, bytes);
  };
  const auto [ops, flops, memory, bytes] = sum(1);
  const auto [few_ops, few_flops, few_memory, few_bytes] = sum(30);  // 30 + 30 + 20
  CHECK(ops == 322);
  CHECK(few_ops == 3 * 4 + 2);
  CHECK(few_flops == Approx(flops));
  CHECK(few_memory == Approx(memory));
  CHECK(few_bytes == bytes);
}

TEST_CASE("experts on their own ranks: dispatch and combine", "[serving]") {
  ServingParams params;
  params.model = model_preset("mixtral_8x7b");  // 32 layers, hidden 4096, 2 of 8 experts
  params.prefill.tensor_parallel = 2;
  params.prefill.expert_parallel = 8;  // four attention groups of two
  const StepGraphMaker maker(params, params.prefill);
  StepWork work;
  work.add_prompt(0, 804, true);
  const auto graph = maker.make(work);
  // attention, reduce-scatter, dispatch, experts, combine, all-gather; output, all-gather.
  REQUIRE(graph->size() == 32 * 6 + 2);
  const std::int64_t own = 101;  // 804 / 8, rounded up
  CHECK(graph->op(OpId(1)).collective == CollectiveKind::kReduceScatter);
  CHECK(graph->op(OpId(1)).size == Bytes(own * 2 * 4096 * 2));
  CHECK(graph->op(OpId(2)).collective == CollectiveKind::kAllToAll);
  CHECK(graph->op(OpId(2)).size == Bytes(own * 2 * 4096 * 2));
  CHECK(graph->op(OpId(5)).collective == CollectiveKind::kAllGather);
  CHECK(graph->op(OpId(5)).size == Bytes(own * 4096 * 2));
  // An expert is 3 x 4096 x 14336 = 176,160,768; each rank has one and a quarter of the tokens.
  CHECK(graph->op(OpId(3)).flops == Approx(2.0 * 804 * 0.25 * 176'160'768).epsilon(0.01));
  CHECK(graph->op(OpId(3)).memory_bytes == Approx(2.0 * 176'160'768).epsilon(0.01));
}

TEST_CASE("a GPU must hold its share of the weights and one request", "[serving]") {
  ServingParams params;
  for (const ModelPreset& preset : model_presets()) {
    params.model = preset.card;
    // One rank holds everything.
    CHECK(weights_per_rank(params, params.decode) == Approx(2 * parameter_count(preset.card)));
  }
  params.model = model_preset("mixtral_8x7b");
  PoolParams pool;
  pool.tensor_parallel = 2;
  pool.expert_parallel = 8;
  // A layer: half of 4096 x (4096 + 2 x 1024 + 4096) of attention, two norms and the router of
  // 4096 x 8, one expert of 3 x 4096 x 14336; half of 2 x 32000 x 4096 of the vocabulary.
  const double layer = 20'971'520 + 2 * 4096 + 32'768 + 176'160'768;
  CHECK(weights_per_rank(params, pool) == Approx(2 * (32 * layer + 131'072'000)).epsilon(1e-6));
  // 4 of 8 KV heads of 2 x 128 values of 2 B in 32 layers.
  CHECK(cache_per_rank(params, pool, 1000) == Approx(1000.0 * 4 * 512 * 32));
  params.decode = params.prefill = pool;
  const std::vector<InferenceRequest> one{{Duration{}, 900, 100}};
  const double least = weights_per_rank(params, pool) + 1000.0 * 4 * 512 * 32;
  const auto bytes = static_cast<std::int64_t>(least);
  CHECK_NOTHROW(check_serving_memory(params, one, Bytes(bytes + 1)));
  CHECK_THROWS_AS(check_serving_memory(params, one, Bytes(bytes - 1)), UserError);
  // The cache of a replica lies in four attention groups.
  params.decode.kv_tokens = 4000;
  CHECK_NOTHROW(check_serving_memory(params, one, Bytes(bytes + 1)));
  params.decode.kv_tokens = 4004;
  CHECK_THROWS_WITH(check_serving_memory(params, one, Bytes(bytes + 1)),
                    Catch::Contains("decode: a GPU needs 12.9 GB") &&
                        Catch::Contains("the KV cache of 1001 tokens"));
}

TEST_CASE("sources are those of the model in hand", "[serving][llm]") {
  struct Sources final : ParamVisitor {
    std::vector<std::string> texts;
    void note(const ParamInfo& info) { texts.emplace_back(info.source); }
    void field(const ParamInfo& i, Duration&, Range<Duration>) override { note(i); }
    void field(const ParamInfo& i, Bytes&, Range<Bytes>) override { note(i); }
    void field(const ParamInfo& i, BitRate&, Range<BitRate>) override { note(i); }
    void field(const ParamInfo& i, double&, Range<double>) override { note(i); }
    void field(const ParamInfo& i, std::int64_t&, Range<std::int64_t>) override { note(i); }
    void field(const ParamInfo& i, bool&) override { note(i); }
    void field(const ParamInfo& i, std::string&) override { note(i); }
    bool begin(const ParamInfo&) override { return true; }
    void end() override {}
    int preset(const std::vector<Choice>&) override { return -1; }
    int choose(const ParamInfo& i, int current, const std::vector<Choice>&) override {
      note(i);
      return current;
    }
  };
  for (const ModelPreset& preset : model_presets()) {
    Sources sources;
    ModelCard card = preset.card;
    describe(sources, card);
    REQUIRE(sources.texts.size() == 22);
    for (const std::string& text : sources.texts) CHECK(text == preset.source);
  }
}

TEST_CASE("a few tokens read few experts", "[serving]") {
  ServingParams params;
  params.model = model_preset("mixtral_8x7b");
  const StepGraphMaker maker(params, params.decode);
  StepWork one;
  one.add_decode(1);
  // One token meets 2 of 8 experts: 2 x 176,160,768 x 2 B.
  CHECK(maker.make(one)->op(OpId(1)).memory_bytes == Approx(4.0 * 176'160'768).epsilon(0.01));
}

TEST_CASE("requests from a file", "[serving]") {
  const test::TestFolder folder("serving_requests");
  const std::string file = folder.file("requests.csv");
  const auto load = [&](const std::string& text) {
    std::ofstream(file) << text;
    return load_requests(file);
  };
  const std::string header = "arrival,prompt_tokens,output_tokens\n";
  const auto requests = load("# measured\n" + header + "2s, 800, 120\n\n1.5s,10,1\r\n");
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].arrival == Duration::ms(1'500));
  CHECK(requests[1].prompt_tokens == 800);
  CHECK(requests[1].output_tokens == 120);

  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"1s,800,120\n", ":1: the first line must be 'arrival,prompt_tokens,output_tokens'"},
      {header, ": no requests"},
      {header + "1s,800\n", ":2: expected arrival,prompt_tokens,output_tokens, got 2 fields"},
      {header + "1s,800,120,3\n", "got 4 fields"},
      {header + "1,800,120\n", ":2: "},
      {header + "-1s,800,120\n", ":2: "},
      {header + "1s,0,120\n", ":2: prompt_tokens '0' is not a number of tokens; legal is 1 to"},
      {header + "1s,800,1.5\n", "output_tokens '1.5' is not a number of tokens"},
      {header + "1s,800,\n", "output_tokens '' is not a number of tokens"},
      {header + "1s,800,10000001\n",
       "output_tokens '10000001' is not a number of tokens; legal is 1 to 10000000"},
      {header + "1s,800,120\nx,1,1\n", ":3: "},
  };
  for (const auto& [text, message] : wrong) {
    CAPTURE(text);
    CHECK_THROWS_WITH(load(text), Catch::Contains(message));
  }
  CHECK_THROWS_WITH(load_requests(folder.file("none.csv")),
                    Catch::Contains("none.csv: cannot be opened"));
}

TEST_CASE("a damaged request file is read or refused with its place, nothing else", "[serving]") {
  const test::TestFolder folder("serving_fuzz");
  const std::string file = folder.file("requests.csv");
  const std::string good =
      "arrival,prompt_tokens,output_tokens\n1.5s,800,120\n# later\n2s, 10, 1\n90ms,1,10000000\n";
  constexpr std::string_view kInserted = "0,9-.e#\n\r\t\"sm x\xff";
  RandomStream random(7, 0, 1);
  const auto draw = [&](std::size_t below) {
    return static_cast<std::size_t>(random.below(below));
  };
  int read = 0, refused = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::string text = good;
    for (std::size_t edits = 1 + draw(3); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = draw(text.size());
      const char c =
          draw(4) == 0 ? static_cast<char>(draw(256)) : kInserted[draw(kInserted.size())];
      switch (draw(4)) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1 + draw(20), c);
          break;
        case 2:
          text.erase(at, 1 + draw(8));
          break;
        default:
          text.resize(at);
      }
    }
    CAPTURE(text);
    std::ofstream(file, std::ios::binary) << text;
    try {
      const std::vector<InferenceRequest> requests = load_requests(file);
      ++read;
      REQUIRE_FALSE(requests.empty());
      REQUIRE(requests.size() <=
              static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
      for (std::size_t i = 0; i < requests.size(); ++i) {
        REQUIRE(requests[i].arrival >= (i == 0 ? Duration{} : requests[i - 1].arrival));
        REQUIRE(requests[i].prompt_tokens >= 1);
        REQUIRE(requests[i].prompt_tokens <= 10'000'000);
        REQUIRE(requests[i].output_tokens >= 1);
        REQUIRE(requests[i].output_tokens <= 10'000'000);
      }
    } catch (const UserError& error) {
      ++refused;
      REQUIRE_THAT(error.what(), Catch::StartsWith(file + ":"));
    }
  }
  CHECK(read > 100);
  CHECK(refused > 100);
}

TEST_CASE("drawn requests have their rate, and keep their tokens at another", "[serving]") {
  RequestStreamParams params;
  params.count = 20'000;
  params.per_s = 50;
  params.prompt_tokens = {Law::kExponential, 800};
  const auto slow = make_requests(params, {}, 1);
  // 20,000 gaps of 20 ms: standard error 1 / sqrt(20,000) = 0.7 %.
  CHECK(slow.back().arrival.to_s() == Approx(400).epsilon(0.03));
  params.per_s = 100;
  const auto fast = make_requests(params, {}, 1);
  for (std::size_t i = 0; i < slow.size(); ++i)
    CHECK(slow[i].prompt_tokens == fast[i].prompt_tokens);
}

}  // namespace plait
