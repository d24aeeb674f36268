// SPDX-License-Identifier: Apache-2.0
// How long pipeline stages wait, when the ranks of a generated training job run.
#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>

#include "rank_world.hpp"
#include "workloads/llm/training.hpp"

namespace plait {

namespace {

/// 8 layers of 3 ms forward and 6 ms backward; all else takes next to no time.
TrainingParams equal_stages(const std::string& file) {
  std::ofstream(file) << "kernel,time\nattention_forward,1ms\nffn_forward,2ms\n"
                         "attention_backward,2ms\nffn_backward,4ms\n";
  TrainingParams p;
  p.model.layers = 8;
  p.model.hidden_size = 64;
  p.model.heads = p.model.kv_heads = 8;
  p.model.head_size = 8;
  p.model.ffn_size = 256;
  p.model.vocabulary = 128;
  p.model.sequence_length = 32;
  p.model.tied_embeddings = false;
  p.gradient_clipping = false;
  p.kernel_times = file;
  return p;
}

double run_ms(const TrainingParams& params) {
  testing::World world(make_training_workload(params), {});
  world.network = {BitRate::gigabytes_per_s(10'000), Duration::ns(1)};
  world.run();
  REQUIRE(world.all_finished());
  Duration end{};
  for (const Rank* rank : world.ranks()) end = std::max(end, rank->record().end.since_start());
  return end.to_ms();
}

}  // namespace

// SC 2021, section 2.2: the bubble over the ideal time is (p - 1) / m for 1F1B and (p - 1) / (v m)
// with v virtual stages. Ideal: m micro-batches through 8 / p layers of 9 ms.
TEST_CASE("The pipeline bubble is (p - 1) / (v m)", "[llm]") {
  const std::string file = "pipeline_bubble_times.csv";
  TrainingParams p = equal_stages(file);
  for (const std::int64_t stages : {1, 2, 4, 8})
    for (const std::int64_t parts : {1, 2, 4})
      for (const std::int64_t micro_batches : {8, 16}) {
        if (stages * parts > 8 || (stages == 1 && parts > 1)) continue;
        p.pipeline_parallel = stages;
        p.virtual_stages = parts;
        p.global_batch = micro_batches;
        INFO("p " << stages << ", v " << parts << ", m " << micro_batches);
        const double ideal = static_cast<double>(micro_batches * 8 / stages) * 9;
        const double bubble = run_ms(p) / ideal - 1;
        CHECK(bubble ==
              Approx(static_cast<double>(stages - 1) / static_cast<double>(parts * micro_batches))
                  .margin(1e-3));
      }
  std::remove(file.c_str());
}

// Two iterations take twice as long: nothing of one overlaps with the other's pipeline.
TEST_CASE("Iterations follow one another", "[llm]") {
  const std::string file = "pipeline_iteration_times.csv";
  TrainingParams p = equal_stages(file);
  p.pipeline_parallel = 4;
  p.global_batch = 8;
  const double one = run_ms(p);
  p.iterations = 3;
  CHECK(run_ms(p) <= 3 * one * 1.001);
  CHECK(run_ms(p) >= 2.5 * one);
  std::remove(file.c_str());
}

}  // namespace plait
