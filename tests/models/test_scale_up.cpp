// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <utility>
#include <vector>

#include "models/scale_up.hpp"
#include "tests/models/rank_world.hpp"

using namespace plait;

namespace {

// Preset nvlink3: 300 GB/s x 0.8 = 240 GB/s. One unit of 64 KiB: 65536 / 240e9 s = 273,066.67 ps,
// rounded up.
constexpr Duration kUnit = Duration::ps(273'067);
constexpr Duration kLatency = Duration::ns(600);

struct Log final : ScaleUpSink {
  struct Entry {
    MessageKey key;
    Bytes size;
    SimTime at;
  };
  std::vector<Entry> deliveries;
  std::vector<std::pair<std::uint64_t, SimTime>> acks;
  void delivered(SimTime now, const MessageKey& key, Bytes size) override {
    deliveries.push_back({key, size, now});
  }
  void acked(SimTime now, const MessageKey&, std::uint64_t token) override {
    acks.emplace_back(token, now);
  }
  void switch_delivered(SimTime now, const MessageKey& key, Bytes size) override {
    delivered(now, key, size);
  }
  void switch_acked(SimTime now, const MessageKey& key, std::uint64_t token) override {
    acked(now, key, token);
  }
  SimTime delivery(std::uint32_t from, std::uint32_t to) const {
    for (const Entry& entry : deliveries)
      if (entry.key.from == GpuId(from) && entry.key.to == GpuId(to)) return entry.at;
    return SimTime::never();
  }
};

void send(ScaleUp& net, std::uint32_t from, std::uint32_t to, Bytes size, SimTime at = {},
          std::uint64_t token = 0, std::uint32_t stream = 0) {
  net.send(at, {GpuId(from), GpuId(to), stream}, from, to, size, token);
}

void drain(ScaleUp& net, Log& log) {
  while (net.next_time() != SimTime::never()) net.advance(net.next_time(), log);
}

}  // namespace

TEST_CASE("one message: serialisation of its units plus one latency", "[scale_up]") {
  ScaleUp net({}, 8);
  Log log;
  send(net, 0, 1, Bytes::mebi(1), SimTime::ps(5), 42);
  drain(net, log);
  // 16 units cut through the switch: 5 ps + 16 x 273,067 ps + 600 ns; the ack 600 ns later.
  const SimTime there = SimTime::ps(5) + kUnit * 16 + kLatency;
  REQUIRE(log.deliveries.size() == 1);
  CHECK(log.deliveries[0].at == there);
  REQUIRE(log.acks.size() == 1);
  CHECK(log.acks[0] == std::pair{std::uint64_t{42}, there + kLatency});
  CHECK(net.ideal(Bytes::mebi(1)) == kUnit * 16 + kLatency);
}

TEST_CASE("partial units and empty messages", "[scale_up]") {
  // 100,000 B = one unit + 34,464 B: 143,600 ps. Empty: 128 B of header: 533.3 -> 534 ps.
  const std::pair<Bytes, Duration> cases[] = {
      {Bytes(100'000), kUnit + Duration::ps(143'600) + kLatency},
      {Bytes(0), Duration::ps(534) + kLatency}};
  for (const auto& [size, expected] : cases) {
    ScaleUp net({}, 2);
    Log log;
    send(net, 0, 1, size);
    drain(net, log);
    CHECK(log.deliveries.at(0).at == SimTime::at(expected));
    CHECK(log.deliveries.at(0).size == size);
    CHECK(net.ideal(size) == expected);
  }
}

TEST_CASE("two sources share the ingress port of one destination", "[scale_up]") {
  ScaleUp net({}, 4);
  Log log;
  send(net, 0, 2, Bytes::mebi(1));
  send(net, 1, 2, Bytes::mebi(1));
  drain(net, log);
  // 32 units through one port, alternating: the last ones end one unit apart.
  CHECK(log.delivery(0, 2) == SimTime::at(kUnit * 31 + kLatency));
  CHECK(log.delivery(1, 2) == SimTime::at(kUnit * 32 + kLatency));
  CHECK(net.ingress(2).bytes == Bytes::mebi(2));
  CHECK(net.ingress(2).busy == kUnit * 32);
  CHECK(net.egress(0).busy == kUnit * 16);
}

TEST_CASE("a source serves its destinations in turn", "[scale_up]") {
  ScaleUp net({}, 4);
  Log log;
  send(net, 0, 1, Bytes::kibi(64 * 10));  // 10 units
  send(net, 0, 2, Bytes::kibi(64 * 2));   // 2 units
  send(net, 0, 3, Bytes::kibi(64 * 2));
  drain(net, log);
  // Order 1 2 3 1 2 3 1 1 ...: the last units of 2 and 3 are the 5th and 6th, of 1 the 14th.
  CHECK(log.delivery(0, 2) == SimTime::at(kUnit * 5 + kLatency));
  CHECK(log.delivery(0, 3) == SimTime::at(kUnit * 6 + kLatency));
  CHECK(log.delivery(0, 1) == SimTime::at(kUnit * 14 + kLatency));
}

TEST_CASE("an incast does not block a sender's other destinations", "[scale_up]") {
  ScaleUp net({}, 8);
  Log log;
  for (std::uint32_t source = 1; source < 8; ++source) send(net, source, 0, Bytes::mebi(64));
  send(net, 1, 2, Bytes::mebi(16));
  drain(net, log);
  // GPU 0 takes 7 x 1024 units. GPU 1 sends 256 units to GPU 2 and gets at least every other turn.
  CHECK(log.delivery(1, 2) <= SimTime::at(kUnit * (2 * 256) + kLatency));
  SimTime last;
  for (std::uint32_t source = 1; source < 8; ++source)
    last = std::max(last, log.delivery(source, 0));
  CHECK(last == SimTime::at(kUnit * (7 * 1024) + kLatency));
  // Once its window is full, GPU 1 holds back units for GPU 0 and gives GPU 2 the rest: 256 units
  // and at most a seventh more, plus the window's filling.
  const std::int64_t window = net.window().count() / Bytes::kibi(64).count();
  CHECK(log.delivery(1, 2) <= SimTime::at(kUnit * (256 * 7 / 6 + window + 1) + kLatency));
}

TEST_CASE("the automatic window keeps the full rate, a smaller one costs the round trip",
          "[scale_up]") {
  // (273 + 2 x 600) / 273 = 5.4 units, so 6.
  CHECK(ScaleUp({}, 2).window() == Bytes::kibi(64 * 6));
  ScaleUpParams params;
  params.window = params.unit;
  ScaleUp net(params, 2);
  Log log;
  send(net, 0, 1, params.unit * 3);
  drain(net, log);
  // Stop and wait: each of the first two units costs its time and a round trip of 2 x 600 ns.
  CHECK(log.delivery(0, 1) == SimTime::at((kUnit + kLatency * 2) * 2 + kUnit + kLatency));
}

TEST_CASE("a send while blocked on credits goes out at once to another GPU", "[scale_up]") {
  ScaleUpParams params;
  params.window = params.unit;
  ScaleUp net(params, 3);
  Log log;
  send(net, 0, 1, params.unit * 2);
  net.advance(SimTime::at(kUnit * 2), log);  // idle now: one unit sent, no credit before 1.47 us
  send(net, 0, 2, params.unit, SimTime::at(kUnit * 2));
  drain(net, log);
  CHECK(log.delivery(0, 2) == SimTime::at(kUnit * 3 + kLatency));
  CHECK(log.delivery(0, 1) == SimTime::at((kUnit + kLatency * 2) + kUnit + kLatency));
  CHECK(net.next_time() == SimTime::never());
}

TEST_CASE("ring all-reduce of 64 MiB over 8 GPUs of one host", "[scale_up][rank]") {
  std::vector<testing::Script> scripts(8);
  for (auto& script : scripts) script.collective(CollectiveKind::kAllReduce, Bytes::mebi(64));
  const auto time_of = [&](const CollectiveParams& params) {
    testing::World world(testing::workload_of(scripts), params);
    world.scale_up.emplace(ScaleUpParams{}, 8);
    const SimTime end = world.run();
    REQUIRE(world.all_finished());
    return end;
  };
  // Pieces of 8 MiB = 128 units, 14 rounds of them at 240 GB/s:
  const Duration rounds = kUnit * (14 * 128);
  CHECK(rounds.to_us() == Approx(2.0 * 7 / 8 * 64 * 1048576 / 240e9 * 1e6).epsilon(1e-5));
  SECTION("by default a piece is one message, and each step pays its latency") {
    // 8.4 us + 14 (2.8 us + 0.6 us) + rounds, and 0.6 us until the last is acknowledged. NCCL's
    // own formula: 8.4 us + 14 * 3.4 us + rounds.
    CHECK(time_of(CollectiveParams{}) ==
          SimTime::at(Duration::ns(8'400 + 14 * 3'400 + 600) + rounds));
  }
  SECTION("in chunks of 1 MiB the steps overlap") {
    // A round takes 128 units = 35 us, longer than the 7.8 us until the first chunk can go on (4.4
    // us + 0.6 us + 2.8 us), so the rounds follow without a gap: 8.4 us + 2.8 us + rounds + 0.6 us,
    // and 0.6 us for the last acknowledgement.
    CollectiveParams params;
    params.chunk = Bytes::mebi(1);
    CHECK(time_of(params) == SimTime::at(Duration::ns(8'400 + 2'800 + 600 + 600) + rounds));
  }
}

TEST_CASE("every byte arrives once, in order, never early", "[scale_up][property]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::uint64_t state = seed * 7919 + 1;
    const auto draw = [&](std::uint64_t below) {  // Knuth's MMIX generator, upper bits
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return (state >> 33) % below;
    };
    ScaleUpParams params;
    params.unit = Bytes::kibi(1 << draw(7));
    params.window = draw(2) == 0 ? Bytes{} : Bytes(1 + static_cast<std::int64_t>(draw(1 << 18)));
    const auto gpus = static_cast<std::uint32_t>(2 + draw(7));
    ScaleUp net(params, gpus);
    Log log;
    std::map<std::pair<GpuId, GpuId>, std::vector<std::pair<Bytes, SimTime>>> sent;
    std::vector<Bytes> out(gpus), in(gpus);
    SimTime now;
    constexpr std::size_t kMessages = 400;
    for (std::size_t i = 0; i < kMessages; ++i) {
      now += Duration::ps(static_cast<std::int64_t>(draw(2'000'000)));
      while (net.next_time() <= now) net.advance(net.next_time(), log);
      const auto from = static_cast<std::uint32_t>(draw(gpus));
      const auto to = static_cast<std::uint32_t>((from + 1 + draw(gpus - 1)) % gpus);
      const Bytes size(1 + static_cast<std::int64_t>(draw(1'000'000)));
      send(net, from, to, size, now, i);
      sent[{GpuId(from), GpuId(to)}].emplace_back(size, now);
      out[from] += size;
      in[to] += size;
    }
    drain(net, log);
    REQUIRE(log.deliveries.size() == kMessages);
    REQUIRE(log.acks.size() == kMessages);
    std::map<std::pair<GpuId, GpuId>, std::size_t> next;
    SimTime before;
    for (const Log::Entry& entry : log.deliveries) {
      const std::pair pair{entry.key.from, entry.key.to};
      const auto& [size, posted] = sent[pair].at(next[pair]++);
      REQUIRE(entry.size == size);
      REQUIRE(entry.at >= posted + net.ideal(size));
      REQUIRE(entry.at >= before);
      before = entry.at;
    }
    for (std::uint32_t gpu = 0; gpu < gpus; ++gpu) {
      REQUIRE(net.egress(gpu).bytes == out[gpu]);
      REQUIRE(net.ingress(gpu).bytes == in[gpu]);
      REQUIRE(net.ingress(gpu).busy.ps() >= transmission_time(in[gpu], params.rate).ps());
    }
  }
}
