// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <stdexcept>

#include "sim/channel.hpp"
#include "sim/error.hpp"
#include "sim/fingerprint.hpp"
#include "sim/window_engine.hpp"

namespace plait {
namespace {

/// Does what its script says: the k-th visit returns the k-th wish.
class Scripted final : public Entity {
 public:
  explicit Scripted(std::vector<std::int64_t> wishes) : wishes_(std::move(wishes)) {}
  std::int64_t visit(const Window& window, Worker&) override {
    begins.push_back(window.begin_ps);
    return begins.size() <= wishes_.size() ? wishes_[begins.size() - 1] : INT64_MAX;
  }
  std::vector<std::int64_t> begins;

 private:
  std::vector<std::int64_t> wishes_;
};

WindowEngine::Options options(std::int64_t lookahead_ps, unsigned workers = 1) {
  WindowEngine::Options o;
  o.lookahead = Duration::ps(lookahead_ps);
  o.workers = workers;
  o.parallel_from = 0;
  return o;
}

const WindowEngine::WindowCallback kGoOn = [](const Window&) { return true; };

/// Passes tokens to neighbours on a ring, one window later, and hashes what it sees.
struct Token {
  std::uint32_t arrival = 0;
  std::uint32_t hops_left = 0;
  std::uint64_t value = 0;
};
struct RingState {
  explicit RingState(std::size_t n, unsigned workers) : channels(n), pools(workers) {}
  ChannelStore<Token> channels;
  std::vector<ChunkPool<Token>> pools;
};
class RingNode final : public Entity {
 public:
  RingNode(RingState& state, std::uint32_t id) : state_(state), id_(id) {}
  std::int64_t visit(const Window& window, Worker& worker) override {
    ChunkPool<Token>& pool = state_.pools[worker.index()];
    Chain<Token>& in = state_.channels.absorb(window.parity, id_);
    Chain<Token> out;
    if (id_ % 7 == 0 && window.begin_ps == 0) out.append(pool, {1000, 500, id_});
    while (!in.empty()) {
      Token token = in.front();
      in.pop(pool);
      hash.add(token.value ^ token.arrival);
      if (token.hops_left == 0) continue;
      token.arrival += 1000;
      --token.hops_left;
      token.value = token.value * 31 + id_;
      out.append(pool, token);
    }
    if (!out.empty()) {
      const auto next = static_cast<std::uint32_t>((id_ + 1) % state_.channels.size());
      state_.channels.publish(window.parity, next, out);
      worker.activate(EntityId(next));
    }
    return INT64_MAX;
  }
  Fingerprint hash;

 private:
  RingState& state_;
  std::uint32_t id_;
};

std::uint64_t run_ring(unsigned workers, bool two_sides = false) {
  constexpr std::size_t kNodes = 1500;  // several bitmap words per worker
  RingState state(kNodes, workers);
  std::vector<std::unique_ptr<RingNode>> nodes;
  std::vector<Entity*> entities;
  std::vector<unsigned> owner;
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    nodes.push_back(std::make_unique<RingNode>(state, i));
    entities.push_back(nodes.back().get());
    owner.push_back(i % workers);
  }
  std::vector<std::uint8_t> side;
  for (std::uint32_t i = 0; two_sides && i < kNodes; ++i) side.push_back(i % 2);
  WindowEngine engine(entities, owner, options(1000, workers), side);
  for (std::uint32_t i = 0; i < kNodes; ++i) engine.wake(EntityId(i), SimTime());
  CHECK(engine.run(*make_executor(workers), SimTime::never(), kGoOn) == WindowEngine::End::kIdle);
  if (!two_sides) CHECK(engine.windows() == 502);  // the start, 501 arrivals
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < kNodes; ++i) sum += nodes[i]->hash.combine(EntityId(i));
  return sum;
}

}  // namespace

TEST_CASE("idle time is skipped: the next window begins at the earliest wish", "[engine]") {
  Scripted a({1'000'000'000'000}), b({5'000'000, 5'001'700});
  WindowEngine engine({&a, &b}, {0, 0}, options(1000));
  engine.wake(EntityId(0), SimTime::ps(300));
  engine.wake(EntityId(1), SimTime::ps(700));
  CHECK(engine.run(*make_sequential_executor(), SimTime::never(), kGoOn) ==
        WindowEngine::End::kIdle);
  // [300, 1300) takes both; b alone at 5,000,000; its wish for 5,001,700 lies in the window right
  // behind, which begins at 5,001,000; a at its own time.
  CHECK(a.begins == std::vector<std::int64_t>{300, 1'000'000'000'000});
  CHECK(b.begins == std::vector<std::int64_t>{300, 5'000'000, 5'001'000});
}

TEST_CASE("a wish inside the window just processed is a fault of the entity", "[engine]") {
  Scripted a({400});
  WindowEngine engine({&a}, {0}, options(1000));
  engine.wake(EntityId(0), SimTime());
  CHECK_THROWS_AS(engine.run(*make_sequential_executor(), SimTime::never(), kGoOn), InternalFault);
}

TEST_CASE("a time limit and a callback stop the run between windows", "[engine]") {
  Scripted a({1000, 2000, 3000, 4000, 5000, 6000});
  WindowEngine engine({&a}, {0}, options(1000));
  engine.wake(EntityId(0), SimTime());
  const auto executor = make_sequential_executor();
  CHECK(engine.run(*executor, SimTime::ps(3000), kGoOn) == WindowEngine::End::kTimeLimit);
  CHECK(a.begins == std::vector<std::int64_t>{0, 1000, 2000});

  Scripted b({1000, 2000, 3000});
  WindowEngine other({&b}, {0}, options(1000));
  other.wake(EntityId(0), SimTime());
  int windows = 0;
  CHECK(other.run(*executor, SimTime::never(), [&](const Window&) { return ++windows < 2; }) ==
        WindowEngine::End::kStopped);
  CHECK(b.begins.size() == 2);
}

TEST_CASE("results do not depend on the number of workers", "[engine]") {
  const std::uint64_t reference = run_ring(1);
  CHECK(run_ring(2) == reference);
  CHECK(run_ring(3) == reference);
  CHECK(run_ring(8) == reference);
}

TEST_CASE("two sides that take turns see what one side sees", "[engine]") {
  const std::uint64_t reference = run_ring(1);
  for (const unsigned workers : {1U, 2U, 3U, 8U}) CHECK(run_ring(workers, true) == reference);
}

TEST_CASE("sides leapfrog: windows of twice the lookahead, a lookahead apart", "[engine]") {
  Scripted a({1500, 3000, 9'000'000}), b({2500});
  WindowEngine engine({&a, &b}, {0, 0}, options(1000), {0, 1});
  engine.wake(EntityId(0), SimTime());
  engine.wake(EntityId(1), SimTime());
  CHECK(engine.run(*make_sequential_executor(), SimTime::never(), kGoOn) ==
        WindowEngine::End::kIdle);
  // a [0, 1000), b [0, 2000), a [1000, 3000), b [2000, 4000), a [3000, 5000); idle; a at its time.
  CHECK(a.begins == std::vector<std::int64_t>{0, 1000, 3000, 9'000'000});
  CHECK(b.begins == std::vector<std::int64_t>{0, 2000});
}

TEST_CASE("an exception in a visit reaches the caller, from any executor", "[engine]") {
  class Faulty final : public Entity {
    std::int64_t visit(const Window&, Worker&) override { throw UserError("broken"); }
  };
  for (const unsigned workers : {1U, 2U}) {
    Faulty a, b;
    WindowEngine engine({&a, &b}, {0, workers - 1}, options(1000, workers));
    engine.wake(EntityId(0), SimTime());
    engine.wake(EntityId(1), SimTime());
    CHECK_THROWS_AS(engine.run(*make_executor(workers), SimTime::never(), kGoOn), UserError);
  }
}

}  // namespace plait
