// SPDX-License-Identifier: Apache-2.0
// Random settings of training jobs: all that is legal makes ranks whose messages and collectives
// match; all that is not is refused with a message.
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "sim/error.hpp"
#include "sim/random.hpp"
#include "workloads/llm/training.hpp"
#include "workloads/trace_info.hpp"
#include "workloads/workload_check.hpp"

using namespace plait;

namespace {

constexpr std::uint32_t kPurpose = 0x6c6c6d;  // "llm"

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed, 0, kPurpose) {}
  std::int64_t one_of(std::initializer_list<std::int64_t> values) {
    return values.begin()[random_.below(static_cast<std::uint32_t>(values.size()))];
  }
  bool coin() { return random_.below(2) == 1; }

 private:
  RandomStream random_;
};

ModelCard draw_model(Draw& draw) {
  ModelCard card;
  card.layers = draw.one_of({2, 4, 6, 8});
  card.heads = 8;
  card.kv_heads = draw.one_of({1, 2, 8});
  card.head_size = 8;
  card.hidden_size = 64;
  card.ffn_size = 192;
  card.vocabulary = 96;
  card.sequence_length = 64;
  card.gated_ffn = draw.coin();
  card.tied_embeddings = draw.coin();
  if (draw.coin()) return card;
  card.experts = draw.one_of({4, 8});
  card.active_experts = draw.one_of({1, 2, 4});
  card.shared_experts = draw.one_of({0, 1});
  card.expert_ffn_size = 32;
  card.dense_layers = draw.one_of({0, 1});
  return card;
}

TrainingParams draw_params(std::uint64_t seed) {
  Draw draw(seed);
  TrainingParams p;
  p.model = draw_model(draw);
  p.tensor_parallel = draw.one_of({1, 1, 2, 4});
  p.context_parallel = draw.one_of({1, 1, 2, 3, 4});
  p.pipeline_parallel = draw.one_of({1, 1, 2, 4});
  p.virtual_stages = draw.one_of({1, 1, 2});
  p.data_parallel = draw.one_of({1, 2, 4});
  p.expert_parallel = draw.one_of({1, 1, 2, 4});
  p.micro_batch = draw.one_of({1, 2});
  p.global_batch = draw.one_of({8, 16, 24});
  p.iterations = draw.one_of({1, 2});
  p.sequence_parallel = draw.coin() || p.model.experts > 0;
  p.zero_stage = draw.one_of({0, 1, 2, 3});
  p.recompute = static_cast<Recompute>(draw.one_of({0, 1, 2}));
  p.context_exchange = static_cast<ContextExchange>(draw.one_of({0, 1}));
  p.scatter_gather = draw.one_of({0, 0, 0, 1}) == 1;
  p.overlap_data = draw.coin();
  p.overlap_tensor = draw.coin() && p.tensor_parallel > 1;
  p.overlap_pipeline = draw.coin() && p.pipeline_parallel > 1;
  p.expert_imbalance = draw.coin() && p.expert_parallel > 1 && p.model.experts > 0 ? 1.5 : 1;
  if (p.tensor_parallel == 1) p.sequence_parallel = false;
  return p;
}

/// What no sharing of graphs may change: each rank's bytes are finite and the micro-batches of all
/// stages are the same.
void check_sums(const TrainingParams& p, const Workload& workload) {
  std::set<const OpGraph*> graphs;
  for (const auto& graph : workload.graphs) graphs.insert(graph.get());
  const std::size_t kinds = p.expert_imbalance > 1 ? 2 : 1;
  CHECK(graphs.size() == static_cast<std::size_t>(p.pipeline_parallel) * kinds);
  const RankInfo first = describe_rank(*workload.graphs.front());
  CHECK(first.count(OpKind::kSend) == describe_rank(*workload.graphs.front()).count(OpKind::kRecv));
}

}  // namespace

TEST_CASE("Messages and collectives match for all legal settings") {
  int legal = 0;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    const TrainingParams p = draw_params(seed);
    if (p.world_size() > 128) continue;
    try {
      check_training(p);
    } catch (const UserError& error) {
      CHECK(std::string(error.what()).size() > 20);
      continue;
    }
    INFO("seed " << seed);
    ++legal;
    const Workload workload = make_training_workload(p);
    CHECK(workload.graphs.size() == static_cast<std::size_t>(p.world_size()));
    CHECK_NOTHROW(check_workload(workload, "seed"));
    check_sums(p, workload);
  }
  CHECK(legal > 300);
}
