// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>

#include "models/visit_timer.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/leaf_spine.hpp"

namespace plait::test {
namespace {

FabricGraph small_fabric() {
  LeafSpineParams shape;
  shape.hosts = 8;
  shape.hosts_per_leaf = 4;
  shape.spines = 2;
  FabricParts parts;
  parts.host = {1, 1};
  return build(shape, parts);
}

const std::vector<FlowSpec> kFlows{{0, 5, Bytes(300'000)}, {1, 5, Bytes(300'000)}};

TEST_CASE("timed visits change nothing, and take no more than the threads had", "[visit_timer]") {
  NetworkParams params;
  FabricRun plain(small_fabric(), params);
  plain.run(kFlows);
  CHECK(plain.simulation().visit_times().sum() == 0);  // not asked for
  params.time_visits = true;
  for (const unsigned threads : {1U, 2U}) {
    FabricRun timed(small_fabric(), params);
    const auto start = std::chrono::steady_clock::now();
    timed.run(kFlows, threads);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    CHECK(timed.records().totals.fingerprint == plain.records().totals.fingerprint);
    CHECK(timed.records().totals.packet_hops == plain.records().totals.packet_hops);
    const VisitTimes times = timed.simulation().visit_times();
    CHECK(times.switches_s > 0);
    CHECK(times.hosts_s > 0);
    CHECK(times.processes_s > 0);
    CHECK(times.sum() <= threads * wall.count());
    // The process is found behind its stopwatch.
    CHECK(timed.simulation().process(GpuId(5)) == &timed.process(5));
  }
}

// Calls the other one back from within its own start, as a host does with a message of its own.
class Nested final : public RankProcess {
 public:
  explicit Nested(RankProcess* other) : other_(other) {}
  void on_start(SimTime now, HostServices& host) override {
    if (other_ != nullptr) other_->on_start(now, host);
    ++starts;
  }
  void on_timer(SimTime, std::uint64_t) override {}
  void on_sent(SimTime, std::uint64_t) override {}
  void on_delivered(SimTime, const MessageKey&, Bytes) override {}
  bool finished() const override { return starts > 0; }

  int starts = 0;

 private:
  RankProcess* other_;
};

class NoHost final : public HostServices {
 public:
  void send(SimTime, const MessageKey&, Bytes, std::uint64_t) override {}
  void call_at(SimTime, GpuId, std::uint64_t) override {}
};

TEST_CASE("a call within a call counts once, for the outer one", "[visit_timer]") {
  TimedProcess inner(std::make_unique<Nested>(nullptr));
  TimedProcess outer(std::make_unique<Nested>(&inner));
  NoHost host;
  outer.on_start(SimTime(), host);
  CHECK(inner.finished());
  CHECK(inner.seconds() == 0);
  CHECK(outer.seconds() > 0);
  inner.on_start(SimTime(), host);  // and alone again
  CHECK(inner.seconds() > 0);
}

}  // namespace
}  // namespace plait::test
