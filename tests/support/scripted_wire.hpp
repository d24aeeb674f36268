// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file scripted_wire.hpp
/// Two hosts and, instead of a switch, a wire that does what a test tells it to each packet: pass,
/// delay, drop or trim it. For tests of the transport, packet by packet.
///
/// Times: a packet that starts at t with serialisation s is on the wire at t + s + d, and at the
/// other host d later (1 us each), plus the delay of the script. The wire itself never queues.

#include <functional>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "models/host.hpp"
#include "models/network_context.hpp"
#include "sim/window_engine.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/single_switch.hpp"

namespace plait::test {

struct Fate {
  enum What : std::uint8_t { kPass, kDrop, kTrim };
  What what = kPass;
  Duration delay{};
};

/// @param copy  how often a packet of this kind, lane and number was seen before.
using Script = std::function<Fate(const Packet& packet, std::uint32_t copy)>;

class ScriptedWire final : public Entity {
 public:
  struct Seen {
    SimTime at;
    Packet packet;
    std::uint32_t copy;
  };

  ScriptedWire(NodeId node, NetworkContext& context, Script script)
      : context_(context), first_port_(context.graph.node(node).first_port), script_(script) {}

  std::int64_t visit(const Window& window, Worker& worker) override {
    WorkerScratch& scratch = context_.scratch[worker.index()];
    batch_.gather(context_.channels, first_port_, 2, window.parity, window.begin_ps,
                  window.end_ps - window.begin_ps, worker.ahead());
    for (std::size_t i = 0; i < batch_.size(); ++i)
      take(window.begin_ps + batch_[i].offset, batch_[i].channel, *batch_[i].item);
    std::int64_t next = batch_.next_arrival_ps();
    batch_.release(scratch.pool);
    for (std::uint32_t out = 0; out < 2; ++out) {
      OutChain<Packet> chain;
      auto& waiting = waiting_[out];
      const PortId port(first_port_ + out);
      for (; !waiting.empty() && waiting.begin()->first < window.end_ps;
           waiting.erase(waiting.begin())) {
        Packet packet = waiting.begin()->second;
        packet.arrival = static_cast<std::uint32_t>(waiting.begin()->first +
                                                    context_.link_class(port).latency_ps());
        chain.append(scratch.pool, packet);
      }
      if (!waiting.empty()) next = std::min(next, waiting.begin()->first);
      if (chain.empty()) continue;
      const PortId peer = context_.graph.peer(port);
      context_.channels.publish(window.parity, peer.value(), chain);
      worker.activate(EntityId(context_.graph.port_node(peer).index()));
    }
    return next;
  }

  /// Everything that reached the wire, in order.
  const std::vector<Seen>& seen() const { return seen_; }

 private:
  void take(std::int64_t now, std::uint32_t in, Packet packet) {
    const auto copy = copies_[{packet.kind(), packet.lane(), packet.psn}]++;
    seen_.push_back({SimTime::ps(now), packet, copy});
    const Fate fate = script_(packet, copy);
    if (fate.what == Fate::kDrop) return;
    if (fate.what == Fate::kTrim) {
      packet.set_kind(PacketKind::kTrimmed);
      packet.wire_bytes = 64;
    }
    waiting_[1 - in].emplace(now + fate.delay.ps(), packet);
  }

  NetworkContext& context_;
  std::uint32_t first_port_;
  Script script_;
  ArrivalBatch<Packet> batch_;
  std::multimap<std::int64_t, Packet> waiting_[2];  // by output, in order of time
  std::map<std::tuple<PacketKind, std::uint32_t, std::uint32_t>, std::uint32_t> copies_;
  std::vector<Seen> seen_;
};

/// Sends messages of given sizes, and keeps what is delivered and acknowledged, in order.
class OrderProcess final : public RankProcess {
 public:
  struct Send {
    MessageKey key;
    Bytes size;
  };
  struct Delivery {
    SimTime at;
    MessageKey key;
    std::int64_t size;
  };
  OrderProcess(std::vector<Send> sends, std::size_t expected)
      : sends_(std::move(sends)), expected_(expected) {}

  void on_start(SimTime now, HostServices& host) override {
    for (std::size_t i = 0; i < sends_.size(); ++i)
      host.send(now, sends_[i].key, sends_[i].size, i);
  }
  void on_timer(SimTime, std::uint64_t) override {}
  void on_sent(SimTime, std::uint64_t token) override { acked_.push_back(token); }
  void on_delivered(SimTime now, const MessageKey& key, Bytes size) override {
    delivered_.push_back({now, key, size.count()});
  }
  bool finished() const override {
    return acked_.size() == sends_.size() && delivered_.size() >= expected_;
  }

  const std::vector<Delivery>& delivered() const { return delivered_; }
  const std::vector<std::uint64_t>& acked() const { return acked_; }

 private:
  std::vector<Send> sends_;
  std::size_t expected_;
  std::vector<Delivery> delivered_;
  std::vector<std::uint64_t> acked_;
};

/// One connection from GPU 0 to GPU 1 over a scripted wire, run until nothing is left to do.
class ScriptedRun {
 public:
  ScriptedRun(const NetworkParams& params, const std::vector<std::int64_t>& sizes, Script script)
      : graph_(two_hosts()), routes_(graph_), context_(graph_, routes_, params) {
    context_.scratch.emplace_back(context_.annex.bytes());
    std::vector<Entity*> entities;
    for (std::size_t n = 0; n < graph_.node_count(); ++n) {
      const NodeId node(n);
      if (graph_.node(node).kind == NodeKind::kHost) {
        entities.push_back(hosts_.emplace_back(std::make_unique<Host>(node, context_)).get());
      } else {
        wire_ = std::make_unique<ScriptedWire>(node, context_, script);
        entities.push_back(wire_.get());
      }
    }
    std::vector<OrderProcess::Send> sends;
    for (const std::int64_t size : sizes) sends.push_back({{GpuId(0), GpuId(1), 0}, Bytes(size)});
    place(0, std::make_unique<OrderProcess>(sends, 0));
    place(1, std::make_unique<OrderProcess>(std::vector<OrderProcess::Send>(), sizes.size()));
    WindowEngine engine(entities, std::vector<unsigned>(entities.size(), 0),
                        EntityGroups::single(entities.size(), context_.lookahead()), {});
    engine.wake(EntityId(graph_.gpu_host(GpuId(0)).index()), SimTime());
    engine.wake(EntityId(graph_.gpu_host(GpuId(1)).index()), SimTime());
    const auto executor = make_executor(1);
    engine.run(*executor, SimTime::at(Duration::s(1)), [](const Window&) { return true; });
    records_.links.resize(graph_.port_count());
    for (const auto& host : hosts_) host->collect(SimTime::at(Duration::s(1)), records_);
  }

  bool finished() const { return sender().finished() && receiver().finished(); }
  const OrderProcess& sender() const { return *processes_[0]; }
  const OrderProcess& receiver() const { return *processes_[1]; }
  const RunRecords& records() const { return records_; }
  /// Sequence numbers of the data packets that reached the wire, copies included.
  std::vector<std::uint32_t> sent_psns() const {
    std::vector<std::uint32_t> psns;
    for (const ScriptedWire::Seen& seen : wire_->seen())
      if (seen.packet.kind() == PacketKind::kData) psns.push_back(seen.packet.psn);
    return psns;
  }
  const std::vector<ScriptedWire::Seen>& seen() const { return wire_->seen(); }
  std::size_t count(PacketKind kind) const {
    std::size_t n = 0;
    for (const ScriptedWire::Seen& seen : wire_->seen()) n += seen.packet.kind() == kind;
    return n;
  }

 private:
  static FabricGraph two_hosts() {
    FabricParts parts;
    parts.host = {1, 1};
    return build(SingleSwitchParams{2}, parts);
  }
  void place(std::uint32_t gpu, std::unique_ptr<OrderProcess> process) {
    processes_[gpu] = process.get();
    hosts_[gpu]->place(GpuId(gpu), std::move(process), SimTime());
  }

  FabricGraph graph_;
  RouteTable routes_;
  NetworkContext context_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::unique_ptr<ScriptedWire> wire_;
  OrderProcess* processes_[2] = {};
  RunRecords records_;
};

}  // namespace plait::test
