// SPDX-License-Identifier: Apache-2.0
#include "validation/flow_run.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "models/host_services.hpp"
#include "sim/error.hpp"
#include "topologies/route_table.hpp"

namespace plait::validation {

namespace {

constexpr SimTime kLimit = SimTime::at(Duration::s(10));

/// The flows of one GPU: each starts at its time, alone.
class Sender final : public RankProcess {
 public:
  explicit Sender(GpuId gpu) : gpu_(gpu) {}
  void add(const MessageKey& key, const Flow& flow, Duration* completion) {
    flows_.push_back({key, flow, completion});
  }
  void expect_one() { ++expected_; }

  void on_start(SimTime now, HostServices& host) override {
    host_ = &host;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      if (flows_[i].flow.start <= now) {
        on_timer(now, i);
      } else {
        host.call_at(flows_[i].flow.start, gpu_, i);
      }
    }
  }
  void on_timer(SimTime now, std::uint64_t flow) override {
    host_->send(now, flows_[flow].key, flows_[flow].flow.size, flow);
  }
  void on_sent(SimTime now, std::uint64_t flow) override {
    ++sent_;
    *flows_[flow].completion = now - flows_[flow].flow.start;
  }
  void on_delivered(SimTime, const MessageKey&, Bytes) override { ++received_; }
  bool finished() const override { return sent_ == flows_.size() && received_ == expected_; }

 private:
  struct Entry {
    MessageKey key;
    Flow flow;
    Duration* completion;
  };
  GpuId gpu_;
  HostServices* host_ = nullptr;
  std::vector<Entry> flows_;
  std::size_t expected_ = 0, sent_ = 0, received_ = 0;
};

using Senders = std::map<std::uint32_t, std::unique_ptr<Sender>>;

Sender& sender_on(Senders& senders, std::uint32_t gpu) {
  auto& sender = senders[gpu];
  if (!sender) sender = std::make_unique<Sender>(GpuId(gpu));
  return *sender;
}

void check_flow(const FabricGraph& graph, const Flow& flow) {
  if (flow.from >= graph.gpu_count() || flow.to >= graph.gpu_count() || flow.from == flow.to)
    throw UserError(fmt::format("a flow from host {} to host {}; hosts are 0 to {} and differ",
                                flow.from, flow.to, graph.gpu_count() - 1));
}

}  // namespace

FlowRun run_flows(const FabricGraph& graph, const NetworkParams& params,
                  const std::vector<Flow>& flows, const std::vector<PinnedPath>& pinned,
                  unsigned threads) {
  const RouteTable routes(graph);
  Simulation simulation(graph, routes, params);
  simulation.pin_paths(pinned);
  FlowRun result;
  result.completion.resize(flows.size(), Duration::max());
  Senders senders;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> streams;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const Flow& flow = flows[i];
    check_flow(graph, flow);
    const std::uint32_t stream = streams[{flow.from, flow.to}]++;
    sender_on(senders, flow.from)
        .add({GpuId(flow.from), GpuId(flow.to), stream}, flow, &result.completion[i]);
    sender_on(senders, flow.to).expect_one();
  }
  for (auto& [gpu, sender] : senders)
    simulation.place(GpuId(gpu), std::move(sender), SimTime::zero());
  RunOptions options;
  options.threads = threads;
  options.until = kLimit;
  if (simulation.run(options) != RunEnd::kFinished)
    throw UserError(fmt::format("not every flow ends within {}", to_string(kLimit)));
  result.records = simulation.records();
  return result;
}

}  // namespace plait::validation
