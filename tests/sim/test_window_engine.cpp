// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "sim/arrival_batch.hpp"
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

WindowEngine::Options options(unsigned workers = 1) {
  WindowEngine::Options o;
  o.workers = workers;
  o.parallel_from = 0;
  return o;
}

const WindowEngine::WindowCallback kGoOn = [](const Window&) { return true; };

EntityGroups single(std::size_t entities) {
  return EntityGroups::single(entities, Duration::ps(1000));
}

/// Passes tokens to the next node on a ring, and hashes what it sees.
struct Token {
  std::uint32_t arrival = 0;
  std::uint32_t hops_left = 0;
  std::uint64_t value = 0;
};
constexpr std::uint32_t kNodes = 1500;  // several bitmap words per worker
struct RingState {
  explicit RingState(unsigned workers) : channels(kNodes, 0), pools(workers), batches(workers) {}
  std::uint32_t latency(std::uint32_t from) const { return from / 100 % 3 == 2 ? far : 1000; }
  ChannelStore<Token> channels;
  std::vector<ChunkPool<Token>> pools;
  std::vector<ArrivalBatch<Token>> batches;
  std::uint32_t far = 1000;  // latency of a third of the channels
};
class RingNode final : public Entity {
 public:
  RingNode(RingState& state, std::uint32_t id) : state_(state), id_(id) {}
  std::int64_t visit(const Window& window, Worker& worker) override {
    ChunkPool<Token>& pool = state_.pools[worker.index()];
    ArrivalBatch<Token>& in = state_.batches[worker.index()];
    in.gather(state_.channels, id_, 1, window.parity, window.begin_ps,
              window.end_ps - window.begin_ps, worker.ahead());
    OutChain<Token> out;
    if (id_ % 5 == 0 && window.begin_ps == 0) out.append(pool, {state_.latency(id_), 500, id_});
    for (std::size_t i = 0; i < in.size(); ++i) {
      Token token = in.item(static_cast<std::uint32_t>(i));
      hash.add(token.value ^ token.arrival);
      in_time &= token.arrival >= window.begin_ps;
      if (token.hops_left == 0) continue;
      token.arrival += state_.latency(id_);
      --token.hops_left;
      token.value = token.value * 31 + id_;
      out.append(pool, token);
    }
    if (!out.empty()) {
      const std::uint32_t next = (id_ + 1) % kNodes;
      state_.channels.publish(window.parity, next, out);
      worker.activate(EntityId(next));
    }
    in.release(pool);
    return in.next_arrival_ps();
  }
  Fingerprint hash;
  bool in_time = true;

 private:
  RingState& state_;
  std::uint32_t id_;
};

// Even and odd nodes, those that only far ones reach and that reach only far ones apart.
EntityGroups ring_groups(const RingState& state) {
  EntityGroups groups;
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    const std::uint32_t least =
        std::min(state.latency(i), state.latency((i + kNodes - 1) % kNodes));
    groups.of.push_back(static_cast<std::uint8_t>((least == 1000 ? 0 : 2) + i % 2));
  }
  groups.side = {0, 1};
  if (state.far != 1000) groups.side = {0, 1, 0, 1};
  groups.lookahead_ps.assign(groups.count() * groups.count(), EntityGroups::kNever);
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    std::int64_t& least = groups.lookahead(groups.of[i], groups.of[(i + 1) % kNodes]);
    least = std::min<std::int64_t>(least, state.latency(i));
  }
  return groups;
}

/// Notes whether the engine got as far as windows for several threads.
struct Enclosing final : Executor {
  explicit Enclosing(unsigned workers) : inner(make_executor(workers)) {}
  unsigned threads() const override { return inner->threads(); }
  void run(const std::function<void(unsigned)>& task) override { inner->run(task); }
  void enclose(const std::function<void()>& loop) override {
    enclosed = true;
    inner->enclose(loop);
  }
  std::unique_ptr<Executor> inner;
  bool enclosed = false;
};

struct RingRun {
  std::uint64_t hash = 0, windows = 0, visits = 0;
  bool shared = false;  // reached windows for several threads
};
RingRun run_ring(unsigned workers, bool grouped = false, std::uint32_t far = 1000,
                 std::uint64_t parallel_from = 0) {
  RingState state(workers);
  state.far = far;
  std::vector<std::unique_ptr<RingNode>> nodes;
  std::vector<Entity*> entities;
  std::vector<unsigned> owner;
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    nodes.push_back(std::make_unique<RingNode>(state, i));
    entities.push_back(nodes.back().get());
    owner.push_back(i % workers);
  }
  WindowEngine::Options engine_options = options(workers);
  engine_options.parallel_from = parallel_from;
  WindowEngine engine(entities, owner, grouped ? ring_groups(state) : single(kNodes),
                      engine_options);
  for (std::uint32_t i = 0; i < kNodes; ++i) engine.wake(EntityId(i), SimTime());
  Enclosing executor(workers);
  CHECK(engine.run(executor, SimTime::never(), kGoOn) == WindowEngine::End::kIdle);
  RingRun run{0, engine.windows(), engine.visits(), executor.enclosed};
  bool in_time = true;
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    run.hash += nodes[i]->hash.combine(EntityId(i));
    in_time &= nodes[i]->in_time;
  }
  CHECK(in_time);
  return run;
}

EntityGroups two_sides() {
  return {{0, 1}, {0, 1}, {EntityGroups::kNever, 1000, 1000, EntityGroups::kNever}};
}

}  // namespace

TEST_CASE("idle time is skipped: the next window begins at the earliest wish", "[engine]") {
  Scripted a({1'000'000'000'000}), b({5'000'000, 5'001'700});
  WindowEngine engine({&a, &b}, {0, 0}, single(2), options());
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
  WindowEngine engine({&a}, {0}, single(1), options());
  engine.wake(EntityId(0), SimTime());
  CHECK_THROWS_AS(engine.run(*make_sequential_executor(), SimTime::never(), kGoOn), InternalFault);
}

TEST_CASE("a time limit and a callback stop the run between windows", "[engine]") {
  Scripted a({1000, 2000, 3000, 4000, 5000, 6000});
  WindowEngine engine({&a}, {0}, single(1), options());
  engine.wake(EntityId(0), SimTime());
  const auto executor = make_sequential_executor();
  CHECK(engine.run(*executor, SimTime::ps(3000), kGoOn) == WindowEngine::End::kTimeLimit);
  CHECK(a.begins == std::vector<std::int64_t>{0, 1000, 2000});

  Scripted b({1000, 2000, 3000});
  WindowEngine other({&b}, {0}, single(1), options());
  other.wake(EntityId(0), SimTime());
  int windows = 0;
  CHECK(other.run(*executor, SimTime::never(), [&](const Window&) { return ++windows < 2; }) ==
        WindowEngine::End::kStopped);
  CHECK(b.begins.size() == 2);
}

TEST_CASE("results do not depend on the number of workers", "[engine]") {
  const RingRun reference = run_ring(1);
  CHECK(reference.windows == 502);  // the start, 501 arrivals
  for (const unsigned workers : {2U, 3U, 8U}) CHECK(run_ring(workers).hash == reference.hash);
}

TEST_CASE("entities are shared out in the middle of a run, which shows nowhere", "[engine]") {
  // 300 tokens make 501 arrivals each, some 150,000 visits: more than the 100,000 from which
  // threads start. What is then under way is on channels, in wishes (far ones) and in bitmaps.
  const bool grouped = GENERATE(false, true);
  const std::uint32_t far = GENERATE(1000U, 7300U);
  const RingRun reference = run_ring(1, grouped, far);
  CHECK_FALSE(run_ring(1, grouped, far, 1).shared);
  for (const unsigned workers : {2U, 8U}) {
    const RingRun run = run_ring(workers, grouped, far, 1);
    CHECK(run.shared);
    CHECK(run.hash == reference.hash);
    CHECK(run.windows == reference.windows);
    CHECK(run.visits == reference.visits);
  }
}

TEST_CASE("threads start with the first large window, and not for a few small ones", "[engine]") {
  // Four windows: 4 x 900 visits are less than the 100,000 that several windows must have
  // together, a window of 1100 is more than the 1000 that one must have.
  for (const std::size_t count : {900, 1100}) {
    std::vector<std::unique_ptr<Scripted>> nodes;
    std::vector<Entity*> entities;
    for (std::size_t i = 0; i < count; ++i) {
      nodes.push_back(std::make_unique<Scripted>(std::vector<std::int64_t>{1000, 2000, 3000}));
      entities.push_back(nodes.back().get());
    }
    WindowEngine::Options two = options(2);
    two.parallel_from = 128;
    WindowEngine engine(entities, std::vector<unsigned>(count, 0), single(count), two);
    for (std::size_t i = 0; i < count; ++i) engine.wake(EntityId(i), SimTime());
    Enclosing executor(2);
    engine.run(executor, SimTime::never(), kGoOn);
    CHECK(engine.visits() == 4 * count);
    CHECK(executor.enclosed == (count == 1100));
  }
}

TEST_CASE("groups that take turns see what one group sees", "[engine]") {
  const std::uint32_t far = GENERATE(1000U, 1500U, 7300U);
  const RingRun reference = run_ring(1, false, far);
  for (const unsigned workers : {1U, 2U, 3U, 8U}) {
    const RingRun run = run_ring(workers, true, far);
    CHECK(run.hash == reference.hash);
    CHECK(run.visits <= reference.visits);
  }
}

TEST_CASE("sides leapfrog: windows of twice the lookahead, a lookahead apart", "[engine]") {
  Scripted a({1500, 3000, 9'000'000}), b({2500});
  WindowEngine engine({&a, &b}, {0, 0}, two_sides(), options());
  engine.wake(EntityId(0), SimTime());
  engine.wake(EntityId(1), SimTime());
  CHECK(engine.run(*make_sequential_executor(), SimTime::never(), kGoOn) ==
        WindowEngine::End::kIdle);
  // a [0, 1000), b [0, 2000), a [1000, 3000), b [2000, 4000), a [3000, 5000); idle; a at its time.
  CHECK(a.begins == std::vector<std::int64_t>{0, 1000, 3000, 9'000'000});
  CHECK(b.begins == std::vector<std::int64_t>{0, 2000});
}

TEST_CASE("a wish that an earlier one has overtaken opens no window", "[engine]") {
  // Wishes for 45000, is then called on, wishes for 9000 and for nothing more: 45000 is void.
  Scripted fickle({45'000, 9'000});
  // Of the same group. Its wish lies before the void one in a heap of both.
  Scripted steady({30'000});
  // Of the other group: calls on the fickle one at 1000, works on from 30000 to 60000.
  struct Caller final : Entity {
    std::int64_t visit(const Window& window, Worker& worker) override {
      if (window.begin_ps == 1000) worker.activate(EntityId(1));
      if (window.begin_ps < 1000) return window.end_ps;
      if (window.begin_ps < 30'000) return 30'000;
      return window.begin_ps < 60'000 ? window.end_ps : INT64_MAX;
    }
  } caller;
  EntityGroups groups = two_sides();
  groups.of = {0, 1, 1};
  std::uint64_t windows = 0;
  for (const unsigned workers : {1U, 2U}) {
    fickle.begins.clear();
    steady.begins.clear();
    WindowEngine engine({&caller, &fickle, &steady}, {0, workers - 1, 0}, groups, options(workers));
    for (std::uint32_t i = 0; i < 3; ++i) engine.wake(EntityId(i), SimTime());
    std::uint64_t visits = 0;
    bool in_vain = false;
    engine.run(*make_executor(workers), SimTime::never(), [&](const Window&) {
      in_vain |= engine.visits() == visits;
      visits = engine.visits();
      return true;
    });
    CHECK_FALSE(in_vain);
    CHECK(fickle.begins == std::vector<std::int64_t>{0, 2000, 9000});
    if (workers == 1) windows = engine.windows();
    CHECK(engine.windows() == windows);
  }
}

TEST_CASE("a worker that has nothing to do takes over what waits for another", "[engine]") {
  // Both parts at once, the second as soon as an entity of the first is being visited.
  struct TwoThreads final : Executor {
    unsigned threads() const override { return 2; }
    void run(const std::function<void(unsigned)>& task) override {
      std::thread first(task, 0U);
      while (!begun) std::this_thread::yield();
      task(1);
      first.join();
    }
    void enclose(const std::function<void()>& loop) override { loop(); }
    std::atomic<bool> begun{false};
  } executor;
  struct Waiting final : Entity {
    std::int64_t visit(const Window& window, Worker& worker) override {
      workers.push_back(worker.index());
      if (next != nullptr && window.begin_ps == 0) {
        *begun = true;
        // In vain if nobody takes over.
        const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!next->done && std::chrono::steady_clock::now() < late) std::this_thread::yield();
        in_time = next->done;
      }
      done = true;
      return window.begin_ps == 0 ? wish : INT64_MAX;
    }
    std::atomic<bool>* begun = nullptr;
    Waiting* next = nullptr;
    std::atomic<bool> done{false};
    bool in_time = true;
    std::int64_t wish = 0;
    std::vector<unsigned> workers;  // of its visits
  };
  // All belong to worker 0, and the first waits until the last has been visited. All wish for the
  // next window, or each for one of its own.
  const bool soon = GENERATE(false, true), sides = GENERATE(false, true);
  std::vector<Waiting> nodes(12);
  std::vector<Entity*> entities;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].wish = soon ? 1000 : 5000 + 2000 * static_cast<std::int64_t>(i);
    entities.push_back(&nodes[i]);
  }
  nodes.front().next = &nodes.back();
  nodes.front().begun = &executor.begun;
  EntityGroups groups = sides ? two_sides() : single(nodes.size());
  groups.of.assign(nodes.size(), 0);
  WindowEngine engine(entities, std::vector<unsigned>(nodes.size(), 0), groups, options(2));
  for (std::uint32_t i = 0; i < nodes.size(); ++i) engine.wake(EntityId(i), SimTime());
  CHECK(engine.run(executor, SimTime::never(), kGoOn) == WindowEngine::End::kIdle);
  CHECK(nodes.front().in_time);
  CHECK(nodes.front().workers.at(0) == 0);
  CHECK(nodes.back().workers.at(0) == 1);
  CHECK(engine.windows() ==
        (soon ? 2 : 13));  // at 0, then one for each wish, made to either worker
  for (const Waiting& node : nodes) CHECK(node.workers.size() == 2);
}

TEST_CASE("an exception in a visit reaches the caller, from any executor", "[engine]") {
  class Faulty final : public Entity {
    std::int64_t visit(const Window&, Worker&) override { throw UserError("broken"); }
  };
  for (const unsigned workers : {1U, 2U}) {
    Faulty a, b;
    WindowEngine engine({&a, &b}, {0, workers - 1}, single(2), options(workers));
    engine.wake(EntityId(0), SimTime());
    engine.wake(EntityId(1), SimTime());
    CHECK_THROWS_AS(engine.run(*make_executor(workers), SimTime::never(), kGoOn), UserError);
  }
}

}  // namespace plait
