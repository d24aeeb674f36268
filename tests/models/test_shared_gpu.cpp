// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <vector>

#include "models/shared_gpu.hpp"
#include "sim/error.hpp"

using namespace plait;

namespace {

// Records what it is told and does what the test asks.
struct Probe final : RankProcess {
  std::vector<std::uint64_t> timers, sent;
  std::vector<std::uint32_t> streams;
  std::vector<SimTime> starts;
  HostServices* host = nullptr;
  bool done = false;

  void on_start(SimTime now, HostServices& services) override {
    starts.push_back(now);
    host = &services;
  }
  void on_timer(SimTime, std::uint64_t token) override { timers.push_back(token); }
  void on_sent(SimTime, std::uint64_t token) override { sent.push_back(token); }
  void on_delivered(SimTime, const MessageKey& key, Bytes) override {
    streams.push_back(key.stream);
  }
  bool finished() const override { return done; }
};

struct Wire final : HostServices {
  std::vector<std::uint32_t> streams;
  std::vector<std::uint64_t> tokens;
  std::vector<std::pair<SimTime, std::uint64_t>> calls;
  void send(SimTime, const MessageKey& key, Bytes, std::uint64_t token) override {
    streams.push_back(key.stream);
    tokens.push_back(token);
  }
  void call_at(SimTime at, GpuId, std::uint64_t token) override { calls.emplace_back(at, token); }
};

struct TwoOnOne {
  Wire wire;
  SharedGpu gpu{GpuId(0)};
  Probe *front, *back;

  TwoOnOne() {
    auto first = std::make_unique<Probe>(), second = std::make_unique<Probe>();
    front = first.get();
    back = second.get();
    gpu.add(std::move(first), {0, 10}, SimTime::ps(5), false);
    gpu.add(std::move(second), {10, 4}, SimTime::ps(9), true);
  }
};

}  // namespace

TEST_CASE("each process of a shared GPU starts in its time", "[shared_gpu]") {
  TwoOnOne two;
  CHECK(two.gpu.first_start() == SimTime::ps(5));
  two.gpu.on_start(SimTime::ps(5), two.wire);
  CHECK(two.front->starts.size() == 1);
  CHECK(two.back->starts.empty());
  REQUIRE(two.wire.calls.size() == 1);
  CHECK(two.wire.calls[0].first == SimTime::ps(9));
  two.gpu.on_timer(SimTime::ps(9), two.wire.calls[0].second);
  CHECK(two.back->starts == std::vector<SimTime>{SimTime::ps(9)});
}

TEST_CASE("streams and tokens of the processes of a GPU keep apart", "[shared_gpu]") {
  TwoOnOne two;
  two.gpu.on_start(SimTime::ps(9), two.wire);
  const MessageKey key{GpuId(0), GpuId(1), 3};
  two.front->host->send(SimTime::ps(9), key, Bytes(1), 77);
  two.back->host->send(SimTime::ps(9), key, Bytes(1), 77);
  CHECK(two.wire.streams == std::vector<std::uint32_t>{3, 13});
  CHECK(two.wire.tokens[0] != two.wire.tokens[1]);
  two.gpu.on_sent(SimTime::ps(10), two.wire.tokens[1]);
  CHECK(two.front->sent.empty());
  CHECK(two.back->sent == std::vector<std::uint64_t>{77});
  two.back->host->call_at(SimTime::ps(11), GpuId(0), 5);
  two.gpu.on_timer(SimTime::ps(11), two.wire.calls.back().second);
  CHECK(two.back->timers == std::vector<std::uint64_t>{5});
  two.gpu.on_delivered(SimTime::ps(12), {GpuId(1), GpuId(0), 11}, Bytes(1));
  two.gpu.on_delivered(SimTime::ps(12), {GpuId(1), GpuId(0), 2}, Bytes(1));
  CHECK(two.back->streams == std::vector<std::uint32_t>{1});
  CHECK(two.front->streams == std::vector<std::uint32_t>{2});
  CHECK_THROWS_AS(two.back->host->send(SimTime::ps(9), {GpuId(0), GpuId(1), 4}, Bytes(1), 0),
                  InternalFault);
}

TEST_CASE("a shared GPU waits for what is not in the background", "[shared_gpu]") {
  TwoOnOne two;
  two.gpu.on_start(SimTime::ps(9), two.wire);
  CHECK_FALSE(two.gpu.background());
  CHECK_FALSE(two.gpu.finished());
  two.front->done = true;
  CHECK(two.gpu.finished());
  SharedGpu only(GpuId(1));
  only.add(std::make_unique<Probe>(), {0, 2}, SimTime::zero(), true);
  CHECK(only.background());
}
