// SPDX-License-Identifier: Apache-2.0
#include "models/pause_graph.hpp"

#include <algorithm>

#include "models/switch.hpp"

namespace plait {

std::uint32_t PauseGraph::add(const PausedQueue& queue) {
  const auto vertex = static_cast<std::uint32_t>(queues_.size());
  queues_.push_back(queue);
  waits_.emplace_back();
  index_[{queue.egress, queue.priority}] = vertex;
  return vertex;
}

bool PauseGraph::contains(const PausedQueue& queue) const {
  const auto it = index_.find({queue.egress, queue.priority});
  return it != index_.end() && queues_[it->second].since <= queue.since;
}

// Tarjan's algorithm (SIAM J. Computing 1972) without recursion: paths may be as long as the fabric
// has ports.
std::vector<std::uint32_t> PauseGraph::components() const {
  constexpr std::uint32_t kNone = UINT32_MAX;
  const std::size_t count = queues_.size();
  std::vector<std::uint32_t> component(count, kNone), order(count, kNone), low(count), open;
  std::vector<std::pair<std::uint32_t, std::size_t>> path;  // vertex, next edge
  std::uint32_t visited = 0, components = 0;
  for (std::uint32_t root = 0; root < count; ++root) {
    if (order[root] != kNone) continue;
    path.emplace_back(root, 0);
    while (!path.empty()) {
      const std::uint32_t v = path.back().first;
      if (path.back().second == 0) {
        order[v] = low[v] = visited++;
        open.push_back(v);
      }
      if (path.back().second < waits_[v].size()) {
        const std::uint32_t w = waits_[v][path.back().second++];
        if (order[w] == kNone) path.emplace_back(w, 0);
        if (component[w] == kNone) low[v] = std::min(low[v], order[w]);
        continue;
      }
      if (low[v] == order[v]) {
        for (std::uint32_t w = kNone; w != v; open.pop_back())
          component[w = open.back()] = components;
        ++components;
      }
      path.pop_back();
      if (!path.empty()) low[path.back().first] = std::min(low[path.back().first], low[v]);
    }
  }
  return component;
}

// Breadth first from `start` back to it; empty if there is no way.
std::vector<std::uint32_t> PauseGraph::shortest_cycle(std::uint32_t start) const {
  std::vector<std::uint32_t> parent(queues_.size(), UINT32_MAX), frontier{start};
  for (std::size_t i = 0; i < frontier.size(); ++i) {
    const std::uint32_t v = frontier[i];
    for (const std::uint32_t w : waits_[v]) {
      if (w == start) {
        std::vector<std::uint32_t> cycle;
        for (std::uint32_t u = v; u != start; u = parent[u]) cycle.push_back(u);
        cycle.push_back(start);
        std::reverse(cycle.begin(), cycle.end());
        return cycle;
      }
      if (parent[w] != UINT32_MAX) continue;
      parent[w] = v;
      frontier.push_back(w);
    }
  }
  return {};
}

std::vector<PauseCycle> PauseGraph::cycles(const std::vector<const PauseCycle*>& known) const {
  const std::vector<std::uint32_t> component = components();
  std::vector<bool> done(queues_.size());  // by component
  for (const PauseCycle* cycle : known) {
    const auto it = index_.find({cycle->ports.front(), cycle->priority});
    if (it != index_.end()) done[component[it->second]] = true;
  }
  std::vector<PauseCycle> found;
  for (const auto& [key, start] : index_) {  // from the lowest port
    if (done[component[start]]) continue;
    const std::vector<std::uint32_t> cycle = shortest_cycle(start);
    if (cycle.empty()) continue;
    done[component[start]] = true;
    PauseCycle record;
    record.priority = key.second;
    for (const std::uint32_t vertex : cycle) {
      record.ports.push_back(queues_[vertex].egress);
      record.since = std::max(record.since, queues_[vertex].since);
    }
    found.push_back(record);
  }
  return found;
}

namespace {

/// A paused queue that may turn out to be stuck.
struct Candidate {
  PausedQueue queue;
  std::uint32_t from = 0, to = 0;  // switches
  std::uint32_t ingress = 0;       // port number at `to`
  bool stuck = true;
  std::map<std::uint32_t, std::int64_t> held = {};  // bytes in it by ingress port of `from`
};

std::vector<Candidate> paused_queues(const FabricGraph& graph, const SwitchesByNode& switches) {
  std::vector<Candidate> found;
  for (const NodeId to : graph.switches()) {
    const SharedBuffer& buffer = switches[to.index()]->buffer();
    if (buffer.paused_count() == 0) continue;
    for (std::uint32_t port = 0; port < graph.node(to).ports; ++port) {
      const PortId egress = graph.peer(graph.port(to, port));
      const NodeId from = graph.port_node(egress);
      if (graph.node(from).kind != NodeKind::kSwitch) continue;
      const Switch& sender = *switches[from.index()];
      const std::uint32_t number = graph.port_number(egress);
      const std::uint32_t both = buffer.paused_priorities(port) & sender.paused_priorities(number);
      for (std::uint8_t q = 0; q < kPriorities; ++q)
        if ((both >> q & 1U) != 0)
          found.push_back(
              {{egress, q, sender.paused_since(number, q)}, from.value(), to.value(), port});
    }
  }
  return found;
}

// A queue is free if its receiver has no stuck queue of that priority at all. On trees this clears
// everything in most cases, before any packet is looked at.
bool drop_those_without_successor(std::vector<Candidate>& candidates) {
  for (bool changed = true; changed;) {
    std::map<std::pair<std::uint32_t, std::uint8_t>, std::uint32_t> leaving;  // by switch, priority
    for (const Candidate& c : candidates)
      if (c.stuck) ++leaving[{c.from, c.queue.priority}];
    if (leaving.empty()) return false;
    changed = false;
    for (Candidate& c : candidates)
      if (c.stuck && !leaving.contains({c.to, c.queue.priority})) {
        c.stuck = false;
        changed = true;
      }
  }
  return true;
}

struct IngressKey {
  std::uint32_t node, port;
  std::uint8_t priority;
  auto operator<=>(const IngressKey&) const = default;
};

// Frees queues whose receiver could resume once all but the stuck queues are empty, until no more
// can.
void drop_those_that_may_resume(std::vector<Candidate>& candidates,
                                const SwitchesByNode& switches) {
  for (bool changed = true; changed;) {
    std::map<IngressKey, std::int64_t> held;
    for (const Candidate& c : candidates)
      if (c.stuck)
        for (const auto& [in, bytes] : c.held) held[{c.from, in, c.queue.priority}] += bytes;
    std::map<std::uint32_t, std::int64_t> shared;  // by switch
    for (const auto& [key, bytes] : held)
      shared[key.node] += switches[key.node]->buffer().least_shared(key.port, key.priority, bytes);
    changed = false;
    for (Candidate& c : candidates) {
      const auto it = held.find({c.to, c.ingress, c.queue.priority});
      const std::int64_t bytes = it == held.end() ? 0 : it->second;
      if (!c.stuck ||
          switches[c.to]->buffer().stays_paused(c.ingress, c.queue.priority, bytes, shared[c.to]))
        continue;
      c.stuck = false;
      changed = true;
    }
  }
}

}  // namespace

PauseGraph stuck_queues(const FabricGraph& graph, const SwitchesByNode& switches) {
  std::vector<Candidate> candidates = paused_queues(graph, switches);
  if (!drop_those_without_successor(candidates)) return {};
  for (Candidate& c : candidates)
    if (c.stuck)
      switches[c.from]->for_each_waiting(
          graph.port_number(c.queue.egress), c.queue.priority,
          [&](const Packet& packet) { c.held[packet.arrival] += packet.wire_bytes; });
  drop_those_that_may_resume(candidates, switches);

  PauseGraph stuck;
  std::map<IngressKey, std::uint32_t> waiting;  // vertices by where they end
  std::vector<std::uint32_t> vertices;
  for (const Candidate& c : candidates) {
    if (!c.stuck) continue;
    vertices.push_back(stuck.add(c.queue));
    waiting[{c.to, c.ingress, c.queue.priority}] = vertices.back();
  }
  auto vertex = vertices.begin();
  for (const Candidate& c : candidates) {
    if (!c.stuck) continue;
    for (const auto& [in, bytes] : c.held) {
      const auto it = waiting.find({c.from, in, c.queue.priority});
      if (it != waiting.end()) stuck.add_wait(it->second, *vertex);
    }
    ++vertex;
  }
  return stuck;
}

void PauseCycleLog::update(SimTime now, Duration least_age, const PauseGraph& stuck) {
  std::vector<const PauseCycle*> standing;
  for (PauseCycle& cycle : cycles_) {
    if (cycle.resolved != SimTime::never()) continue;
    const bool stands = std::all_of(cycle.ports.begin(), cycle.ports.end(), [&](PortId port) {
      return stuck.contains({port, cycle.priority, cycle.since});
    });
    if (stands)
      standing.push_back(&cycle);
    else
      cycle.resolved = now;
  }
  for (PauseCycle& cycle : stuck.cycles(standing))
    if (now - cycle.since >= least_age) cycles_.push_back(std::move(cycle));
}

bool PauseCycleLog::any_stands() const {
  return std::any_of(cycles_.begin(), cycles_.end(),
                     [](const PauseCycle& c) { return c.resolved == SimTime::never(); });
}

}  // namespace plait
