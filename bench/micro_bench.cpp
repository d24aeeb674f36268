// SPDX-License-Identifier: Apache-2.0
// Costs of the pieces that the engine leans on, by google-benchmark.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "models/shared_buffer.hpp"
#include "sim/executor.hpp"
#include "sim/key_sort.hpp"
#include "sim/random.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/route_table.hpp"

namespace {

using namespace plait;

constexpr std::size_t kSets = 256;  // different inputs, so that no branch predictor learns one

std::vector<std::uint64_t> random_keys(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed, 2, 3);
  std::vector<std::uint64_t> keys(count);
  for (std::size_t i = 0; i < count; ++i) keys[i] = random.below(1'000'000) << 32 | i;
  return keys;
}

std::vector<std::vector<std::uint64_t>> key_sets(benchmark::State& state) {
  std::vector<std::vector<std::uint64_t>> sets;
  for (std::uint64_t s = 0; s < kSets; ++s)
    sets.push_back(random_keys(static_cast<std::size_t>(state.range(0)), s));
  return sets;
}

void bucket_sort(benchmark::State& state) {
  const auto sets = key_sets(state);
  std::vector<std::uint64_t> work, scratch(sets[0].size());
  std::size_t i = 0;
  for (auto _ : state) {
    work = sets[i++ % kSets];
    sort_keys(work, work.size(), 32 + 20, scratch);
    benchmark::DoNotOptimize(work.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(bucket_sort)->Arg(16)->Arg(64)->Arg(256)->Arg(1024);

void std_sort(benchmark::State& state) {
  const auto sets = key_sets(state);
  std::vector<std::uint64_t> work;
  std::size_t i = 0;
  for (auto _ : state) {
    work = sets[i++ % kSets];
    std::sort(work.begin(), work.end());
    benchmark::DoNotOptimize(work.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(std_sort)->Arg(16)->Arg(64)->Arg(256)->Arg(1024);

void next_hops(benchmark::State& state) {
  FatTreeParams shape;
  shape.hosts = state.range(0);
  const FabricGraph graph = build(shape, {});
  const RouteTable routes(graph);
  const NodeId edge = graph.find("edge0.0");
  RandomStream random(1, 2, 3);
  std::vector<EndpointId> to(4096);
  for (auto& e : to) e = EndpointId(random.below(graph.endpoint_count()));
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(routes.next_hops(edge, to[i++ & 4095]).data());
}
BENCHMARK(next_hops)->Arg(128)->Arg(1024)->Arg(8192);

void shared_buffer(benchmark::State& state) {
  SharedBuffer buffer(SwitchParams{}, std::vector<std::int64_t>(64, 40'000), 4178);
  std::uint32_t port = 0;
  for (auto _ : state) {
    port = (port + 7) & 63U;
    benchmark::DoNotOptimize(buffer.surely_quiet(port, 3, 1000));
    buffer.enter_quiet(port, 3, 1000);
    benchmark::DoNotOptimize(buffer.leave(port, 3, 1000, 0));
  }
}
BENCHMARK(shared_buffer);

// A call in which each thread has some microseconds of work. What two threads take longer than one
// is the price of handing over and waiting. (Of empty parts the caller would do all itself.)
void barrier(benchmark::State& state) {
  const auto threads = static_cast<unsigned>(state.range(0));
  const auto executor = threads == 1 ? make_sequential_executor() : make_tbb_executor(threads);
  executor->enclose([&] {
    for (auto _ : state)
      executor->run([](unsigned) {
        for (int i = 0; i < 10'000; ++i) benchmark::DoNotOptimize(i);
      });
  });
}
BENCHMARK(barrier)->Arg(1)->Arg(2)->UseRealTime();

// What two threads win where only the core's own units count: little if they are two hyper-threads
// of one core. Eight sums that do not wait for each other, kept in registers.
void arithmetic(benchmark::State& state) {
  std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
  for (auto _ : state)
    for (int i = 0; i < 1000; ++i) {
      a += 3, b += 3, c += 3, d += 3, e += 3, f += 3, g += 3, h += 3;
      __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g), "+r"(h));
    }
}
BENCHMARK(arithmetic)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
