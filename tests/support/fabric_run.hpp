// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file fabric_run.hpp
/// A fabric, flows between its hosts, one run: what tests of the network need.

#include <map>
#include <memory>
#include <vector>

#include "models/flow_process.hpp"
#include "models/simulation.hpp"

namespace plait::test {

struct FlowSpec {
  std::uint32_t from = 0, to = 0;  ///< GPU numbers; with one GPU per host, host numbers.
  Bytes size{};
  std::uint32_t stream = 0;
  SimTime start{};
};

/// Parameters with every optional time and byte taken away: frames are exactly payload + header, no
/// switch latency, window-only congestion control without a window, no marking.
inline NetworkParams bare_network() {
  NetworkParams p;
  p.switches.latency = Duration();
  p.switches.ecn.enabled = false;
  p.transport.mtu = Bytes(1000);
  p.transport.header = Bytes(50);
  p.transport.ack = Bytes(50);
  p.transport.gap = Bytes(0);
  p.transport.rto = Duration::ms(1);
  p.transport.rto_backoff = 1;
  p.transport.congestion_control.kind = CcKind::kNone;
  p.transport.congestion_control.none.bdp_multiple = 0;
  return p;
}

class FabricRun {
 public:
  FabricRun(FabricGraph graph, const NetworkParams& params)
      : graph_(std::move(graph)), routes_(graph_), simulation_(graph_, routes_, params) {}

  Simulation& simulation() { return simulation_; }
  const FabricGraph& graph() const { return graph_; }

  /// All flows of one GPU start when its earliest does.
  RunEnd run(const std::vector<FlowSpec>& flows, unsigned threads = 1,
             SimTime until = SimTime::never(), Duration max_window = Duration::max()) {
    RunOptions options;
    options.threads = threads;
    options.until = until;
    options.parallel_from = 0;  // also the smallest fabric really runs in parallel
    options.fetch_from_ports = 0;
    options.max_window = max_window;
    return run(flows, options);
  }
  RunEnd run(const std::vector<FlowSpec>& flows, const RunOptions& options) {
    std::map<std::uint32_t, std::vector<FlowProcess::Flow>> sends;
    std::map<std::uint32_t, std::size_t> receives;
    std::map<std::uint32_t, SimTime> starts;
    for (const FlowSpec& flow : flows) {
      sends[flow.from].push_back({{GpuId(flow.from), GpuId(flow.to), flow.stream}, flow.size});
      ++receives[flow.to];
      sends[flow.to];
      starts.try_emplace(flow.from, flow.start);
    }
    for (auto& [gpu, list] : sends) {
      auto process = std::make_unique<FlowProcess>(list, receives[gpu]);
      processes_[gpu] = process.get();
      simulation_.place(GpuId(gpu), std::move(process), starts[gpu]);
    }
    const RunEnd end = simulation_.run(options);
    records_ = simulation_.records();
    return end;
  }

  const RunRecords& records() const { return records_; }
  const FlowProcess& process(std::uint32_t gpu) const { return *processes_.at(gpu); }

 private:
  FabricGraph graph_;
  RouteTable routes_;
  Simulation simulation_;
  std::map<std::uint32_t, FlowProcess*> processes_;
  RunRecords records_;
};

}  // namespace plait::test
