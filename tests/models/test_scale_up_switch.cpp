// SPDX-License-Identifier: Apache-2.0
// Sums and copies in the switch of the scale-up network, and the NVLS collectives over them.
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <queue>
#include <vector>

#include "models/collective_run.hpp"
#include "models/scale_up.hpp"
#include "tests/models/rank_world.hpp"

using namespace plait;

namespace {

using Work = SwitchTransfer::Work;

/// 100 GB/s for payload, half of it in the switch: a unit of 50,000 B takes T = 1 us there, 0.5 us
/// otherwise; latency L = 0.6 us.
ScaleUpParams simple() {
  ScaleUpParams params;
  params.rate = BitRate::gigabytes_per_s(100);
  params.efficiency = 1;
  params.in_switch_reduction = true;
  params.in_switch_efficiency = 0.5;
  params.unit = Bytes(50'000);
  return params;
}
constexpr Duration kT = Duration::us(1), kL = Duration::ns(600);

struct Entry {
  MessageKey key;
  SimTime at;
};

struct Log final : ScaleUpSink {
  std::vector<Entry> delivered_, acked_;
  std::vector<std::uint64_t> tokens;
  int plain = 0;
  void delivered(SimTime, const MessageKey&, Bytes) override { ++plain; }
  void acked(SimTime, const MessageKey&, std::uint64_t) override {}
  void switch_delivered(SimTime now, const MessageKey& key, Bytes) override {
    delivered_.push_back({key, now});
  }
  void switch_acked(SimTime now, const MessageKey& key, std::uint64_t token) override {
    acked_.push_back({key, now});
    tokens.push_back(token);
  }
};

std::vector<GpuId> team_of(std::uint32_t gpus) {
  std::vector<GpuId> team;
  for (std::uint32_t g = 0; g < gpus; ++g) team.emplace_back(g);
  return team;
}

void run_until(ScaleUp& net, Log& log, SimTime end) {
  while (net.next_time() <= end && net.next_time() != SimTime::never())
    net.advance(net.next_time(), log);
}

/// One collective call of the ranks of one host over ScaleUp, without software times.
class OneCall final : public HostServices, private ScaleUpSink {
 public:
  OneCall(std::uint32_t gpus, const ScaleUpParams& params, CollectiveCall call)
      : net(params, gpus), inboxes_(gpus) {
    std::vector<testing::Script> scripts(gpus);
    for (auto& script : scripts) script.collective(call.kind, call.size);
    JobPlacement placement;
    placement.host.assign(gpus, 0);
    for (std::uint32_t g = 0; g < gpus; ++g) placement.gpu.emplace_back(g);
    CollectiveFacts facts;
    facts.in_switch_reduction = params.in_switch_reduction;
    job_ = std::make_unique<JobContext>(JobId(0), "one", testing::workload_of(scripts), placement,
                                        CollectiveParams{}, GpuParams{}, false, facts);
    const JobGroup& group = job_->group(GroupId(0));
    call.group_size = gpus;
    call.layout = &group.layout();
    for (call.position = 0; call.position < gpus; ++call.position) {
      auto& inboxes = inboxes_[call.position];
      runs_.push_back(std::make_unique<CollectiveRun>(
          *job_, RankId(call.position), group, CollectiveChoice{}, make_schedule(call),
          [&](std::uint32_t from, std::uint32_t channel) -> CollectiveInbox& {
            return inboxes[{from, channel}];
          }));
    }
  }

  /// @return time of the last acknowledgement.
  SimTime run() {
    for (std::size_t i = 0; i < runs_.size(); ++i) runs_[i]->launch(SimTime{}, *this, 0, i);
    SimTime last;
    while (net.next_time() != SimTime::never()) {
      last = net.next_time();
      net.advance(last, *this);
    }
    for (const auto& run : runs_) REQUIRE(run->finished());
    return last;
  }

  ScaleUp net;

 private:
  void send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) override {
    net.send(now, key, key.from.value(), key.to.value(), size, token);
  }
  void send_in_switch(SimTime now, const SwitchTransfer& transfer) override {
    net.send_in_switch(now, transfer);
  }
  void call_at(SimTime, GpuId, std::uint64_t) override { FAIL("no software times here"); }
  void delivered(SimTime now, const MessageKey& key, Bytes) override {
    const std::uint32_t channel = JobContext::stream_channel(key.stream);
    CollectiveInbox& inbox = inboxes_[key.to.index()][{key.from.value(), channel}];
    ++inbox.arrived;
    runs_[key.to.index()]->on_delivered(now, *this, channel, inbox);
  }
  void acked(SimTime, const MessageKey&, std::uint64_t token) override { runs_[token]->on_sent(); }
  void switch_delivered(SimTime now, const MessageKey& key, Bytes size) override {
    delivered(now, key, size);
  }
  void switch_acked(SimTime now, const MessageKey& key, std::uint64_t token) override {
    acked(now, key, token);
  }

  std::unique_ptr<JobContext> job_;
  std::vector<std::map<std::pair<std::uint32_t, std::uint32_t>, CollectiveInbox>> inboxes_;
  std::vector<std::unique_ptr<CollectiveRun>> runs_;
};

CollectiveCall nvls(CollectiveKind kind, std::int64_t size, std::int64_t chunk) {
  CollectiveCall call;
  call.kind = kind;
  call.algorithm = CollectiveAlgorithm::kNvls;
  call.size = Bytes(size);
  call.max_chunk = Bytes(chunk);
  return call;
}

}  // namespace

TEST_CASE("a sum starts when the last share is there and costs its owner one message",
          "[scale_up]") {
  ScaleUp net(simple(), 4);
  const std::vector<GpuId> team = team_of(4);
  Log log;
  const SimTime late = SimTime::at(Duration::us(5));
  for (std::uint32_t g = 0; g < 4; ++g) {
    if (g == 3) run_until(net, log, late);
    net.send_in_switch(g == 3 ? late : SimTime{},
                       {Work::kReduce, {GpuId(g), GpuId(1), 8}, Bytes(500'000), g, team});
  }
  run_until(net, log, SimTime::never());
  // Ten units from all at the same time: 5 us + 10 T + L; all acknowledged L later.
  REQUIRE(log.delivered_.size() == 1);
  CHECK(log.delivered_[0].key == MessageKey{GpuId(1), GpuId(1), 8});
  CHECK(log.delivered_[0].at == late + kT * 10 + kL);
  CHECK(log.tokens == std::vector<std::uint64_t>{0, 1, 2, 3});
  for (const Entry& ack : log.acked_) CHECK(ack.at == late + kT * 10 + kL * 2);
  for (std::uint32_t g = 0; g < 4; ++g) {
    CHECK(net.egress(g).bytes == Bytes(500'000));
    CHECK(net.ingress(g).bytes == Bytes(g == 1 ? 500'000 : 0));
  }
}

TEST_CASE("a copy leaves its sender once and reaches all of the team", "[scale_up]") {
  ScaleUp net(simple(), 4);
  const std::vector<GpuId> team{GpuId(0), GpuId(2), GpuId(3)};
  Log log;
  net.send_in_switch({}, {Work::kMulticast, {GpuId(2), GpuId(2), 8}, Bytes(475'000), 7, team});
  net.send({}, {GpuId(1), GpuId(3), 1}, 1, 3, Bytes(50'000), 0);
  run_until(net, log, SimTime::never());
  // 9.5 units of T. GPU 3 takes the other message's unit first or between: 0.5 us more at most, and
  // as the copy's units come back to back, exactly that.
  REQUIRE(log.delivered_.size() == 3);
  for (const Entry& entry : log.delivered_) {
    CHECK(entry.key.from == GpuId(2));
    CHECK(entry.at ==
          SimTime::at(kT * 19 / 2 + kL + (entry.key.to == GpuId(3) ? kT / 2 : Duration{})));
  }
  REQUIRE(log.acked_.size() == 1);
  CHECK(log.acked_[0].at == SimTime::at(kT * 10 + kL * 2));
  CHECK(log.plain == 1);
  CHECK(net.egress(2).bytes == Bytes(475'000));
  CHECK(net.ingress(1).bytes == Bytes{});
}

TEST_CASE("NVLS collectives of one piece a GPU", "[scale_up]") {
  // n = 4, S = 4 units, R' = 50 GB/s.
  SECTION("reduce-scatter: S / R' + L, acknowledged L later") {
    OneCall call(4, simple(), nvls(CollectiveKind::kReduceScatter, 200'000, 50'000));
    CHECK(call.run() == SimTime::at(kT * 4 + kL * 2));
  }
  SECTION("all-gather: everybody takes n blocks: n S / R' + L, acknowledged L later") {
    OneCall call(4, simple(), nvls(CollectiveKind::kAllGather, 50'000, 50'000));
    CHECK(call.run() == SimTime::at(kT * 4 + kL * 2));
  }
  SECTION("all-reduce without pipelining: one after the other") {
    // Sums leave in the order of their owners: the one of owner 3 ends at 4 T, is there at 4 T + L,
    // and is sent at once. The other copies have started at 4 T, when the ports were free: GPUs
    // take them from 4 T + L on, 3 T of them, and then the last one's: 4 T + L + 4 T; ack L later.
    OneCall call(4, simple(), nvls(CollectiveKind::kAllReduce, 200'000, 50'000));
    CHECK(call.run() == SimTime::at(kT * 8 + kL * 2));
    for (std::uint32_t g = 0; g < 4; ++g) {  // S (1 + 1/n) each way
      CHECK(call.net.egress(g).bytes == Bytes(250'000));
      CHECK(call.net.ingress(g).bytes == Bytes(250'000));
    }
  }
}

TEST_CASE("NVLS all-reduce in chunks: S (1 + 1/n) / R'", "[scale_up]") {
  // 64 chunks of one unit per GPU: S = 256 units, 320 T. On top come the first sum before anything
  // can be copied and the last copies after the last sum, which is a chunk of all GPUs, 4 T, and
  // four latencies.
  OneCall call(4, simple(), nvls(CollectiveKind::kAllReduce, 256 * 50'000, 50'000));
  const SimTime end = call.run();
  CHECK(end >= SimTime::at(kT * 320));
  CHECK(end <= SimTime::at(kT * (320 + 8) + kL * 4));
}

TEST_CASE("eight H100 reach the bus rate of NVLS that is published", "[scale_up]") {
  // Peak of all_reduce_perf on 8 H100: 476 to 480 GB/s (nccl-tests issues 212 and 290). The model:
  // 450 * 0.824 * 0.85 = 315.2 GB/s, S (1 + 1/8) / R' -> bus rate 2 * 7/8 / 1.125 * 315.2 = 490.
  const std::int64_t size = std::int64_t{1} << 30;
  OneCall call(8, scale_up_preset("nvlink4"),
               nvls(CollectiveKind::kAllReduce, size, std::int64_t{2} << 20));
  const double seconds = call.run().to_us() * 1e-6;
  CHECK(static_cast<double>(size) / seconds * 2 * 7 / 8 / 1e9 == Approx(480).epsilon(0.03));
}

TEST_CASE("shares, copies and messages mixed at random all arrive, in order",
          "[scale_up][property]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::uint64_t state = seed * 7919 + 1;
    const auto draw = [&](std::uint64_t below) {  // Knuth's MMIX generator, upper bits
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return (state >> 33) % below;
    };
    ScaleUpParams params = simple();
    params.window = draw(2) == 0 ? Bytes{} : Bytes(1 + static_cast<std::int64_t>(draw(200'000)));
    const auto gpus = static_cast<std::uint32_t>(2 + draw(7));
    ScaleUp net(params, gpus);
    const std::vector<GpuId> team = team_of(gpus);
    Log log;
    // Every GPU contributes to the same sums, each in an order of its own over the streams.
    constexpr std::uint32_t kStreams = 6, kSums = 12;
    std::vector<std::map<std::uint32_t, std::uint32_t>> given(gpus);
    SimTime now;
    int messages = 0, copies = 0;
    for (std::uint32_t left = gpus * kStreams * kSums; left > 0;) {
      now += Duration::ps(static_cast<std::int64_t>(draw(300'000)));
      run_until(net, log, now);
      const auto g = static_cast<std::uint32_t>(draw(gpus));
      const auto stream = static_cast<std::uint32_t>(draw(kStreams));
      std::uint32_t& count = given[g][stream];
      if (draw(8) == 0) {
        const auto to = static_cast<std::uint32_t>((g + 1 + draw(gpus - 1)) % gpus);
        net.send(now, {GpuId(g), GpuId(to), 1}, g, to, Bytes(70'000), 0);
        ++messages;
      }
      if (draw(8) == 0) {
        net.send_in_switch(now,
                           {Work::kMulticast, {GpuId(g), GpuId(g), 99}, Bytes(120'000), 0, team});
        ++copies;
      }
      if (count == kSums) continue;
      const Bytes size(1 + (stream * 7919 + count * 104'729) % 400'000);
      net.send_in_switch(now,
                         {Work::kReduce, {GpuId(g), GpuId(stream % gpus), stream}, size, 1, team});
      ++count;
      --left;
    }
    run_until(net, log, SimTime::never());
    const auto sums = static_cast<int>(kStreams * kSums);
    CHECK(log.plain == messages);
    CHECK(log.delivered_.size() ==
          static_cast<std::size_t>(sums + copies * static_cast<int>(gpus)));
    CHECK(log.acked_.size() == static_cast<std::size_t>(sums * static_cast<int>(gpus) + copies));
    Bytes out, in;
    for (std::uint32_t g = 0; g < gpus; ++g) {
      out += net.egress(g).bytes;
      in += net.ingress(g).bytes;
    }
    Bytes summed;
    for (std::uint32_t stream = 0; stream < kStreams; ++stream)
      for (std::uint32_t k = 0; k < kSums; ++k)
        summed += Bytes(1 + (stream * 7919 + k * 104'729) % 400'000);
    CHECK(out == summed * gpus + Bytes(70'000) * messages + Bytes(120'000) * copies);
    CHECK(in == summed + Bytes(70'000) * messages + Bytes(120'000) * copies * gpus);
  }
}
