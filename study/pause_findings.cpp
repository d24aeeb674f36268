// SPDX-License-Identifier: Apache-2.0
// Links that pauses hold back, where these pauses come from, and flows that are held back by them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include "study/findings.hpp"
#include "study/results.hpp"
#include "study/text_table.hpp"

namespace plait {

namespace {

using Limits = FindingThresholds;

double share(Duration part, Duration whole) {
  return whole > Duration() ? static_cast<double>(part.ps()) / static_cast<double>(whole.ps()) : 0;
}

/// Where the pauses of links come from, guessed from the figures of ports.
class PauseTrees {
 public:
  explicit PauseTrees(const Results& results)
      : results_(results), graph_(*results.context.graph), links_(results.records.links) {}

  bool is_held_back(PortId link) const {
    return share(links_[link.index()].paused, results_.records.totals.end.since_start()) >=
           Limits::kPausedShare;
  }

  void report(std::vector<Finding>& findings) const {
    std::map<std::pair<bool, std::uint32_t>, Tree> trees;  // by root: a host's node or a port
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const PortId link(i);
      if (!is_held_back(link)) continue;
      const auto [root, hops] = root_of(link);
      Tree& tree = trees[root];
      ++tree.links;
      tree.hops = std::max(tree.hops, hops);
      if (!tree.worst.valid() || links_[i].paused > links_[tree.worst.index()].paused)
        tree.worst = link;
    }
    for (const auto& [root, tree] : trees) findings.push_back(finding(root, tree));
  }

 private:
  using Root = std::pair<bool, std::uint32_t>;
  struct Tree {
    std::size_t links = 0, hops = 0;
    PortId worst;
  };

  // The egress at the far end of `link` that most probably holds its packets: one that is held back
  // itself, else the one with the longest queue.
  PortId next(PortId link) const {
    const NodeId node = graph_.port_node(graph_.peer(link));
    const auto rank = [&](PortId port) {
      const LinkRecord& record = links_[port.index()];
      return is_held_back(port) ? std::pair(record.paused.ps(), record.max_queue.count())
                                : std::pair(std::int64_t{0}, record.max_queue.count());
    };
    PortId best;
    for (std::uint32_t p = 0; p < graph_.node(node).ports; ++p) {
      const PortId port = graph_.port(node, p);
      if (port == graph_.peer(link)) continue;
      if (!best.valid() || rank(port) > rank(best)) best = port;
    }
    return best.valid() ? best : graph_.peer(link);
  }

  std::pair<Root, std::size_t> root_of(PortId link) const {
    for (std::size_t hops = 1;; ++hops) {
      const NodeId node = graph_.port_node(graph_.peer(link));
      if (graph_.node(node).kind == NodeKind::kHost) return {{true, node.value()}, hops};
      link = next(link);
      if (!is_held_back(link)) return {{false, link.value()}, hops};
      if (hops > graph_.port_count()) return ring_of(link);
    }
  }

  // A ring of pauses has no root: its lowest port stands for it.
  std::pair<Root, std::size_t> ring_of(PortId link) const {
    PortId lowest = link;
    std::size_t hops = 1;
    for (PortId at = next(link); at != link; at = next(at), ++hops) lowest = std::min(lowest, at);
    return {{false, lowest.value()}, hops};
  }

  Finding finding(const Root& root, const Tree& tree) const {
    const bool host = root.first;
    const std::string object =
        host ? graph_.node(NodeId(root.second)).name : graph_.link_name(PortId(root.second));
    const Duration run = results_.records.totals.end.since_start();
    const LinkRecord& worst = links_[tree.worst.index()];
    const double pauses = static_cast<double>(links_[graph_.peer(tree.worst).index()].pauses_sent);
    const std::string held =
        fmt::format("held back {}, {} for {} of the run ({:.1f} pauses/ms)",
                    counted(tree.links, "link"), graph_.link_name(tree.worst),
                    percent(share(worst.paused, run)), pauses / (run.to_us() / 1e3));
    const std::string source = host ? "host " + object : object;
    const bool ring = !host && is_held_back(PortId(root.second));
    const bool storm = tree.hops >= Limits::kStormHops;
    const auto links = static_cast<double>(tree.links);
    if (storm)
      return {FindingKind::kPfcStorm, Severity::kWarning, object, links,
              fmt::format("PFC storm: pauses from {} ({}) spread over {} hops and {}", source,
                          ring ? "in a ring" : "root estimated", tree.hops, held)};
    return {FindingKind::kPausedLinks, host ? Severity::kWarning : Severity::kNote, object, links,
            fmt::format("pauses: {} {}", source, held)};
  }

  const Results& results_;
  const FabricGraph& graph_;
  const std::vector<LinkRecord>& links_;
};

/// Flows held back by pauses that others cause.
class HeadOfLine {
 public:
  explicit HeadOfLine(const Results& results)
      : results_(results), graph_(*results.context.graph), links_(results.records.links) {}

  void report(std::vector<Finding>& findings) const {
    if (results_.records.flow_paths.empty()) return;
    const std::vector<double> slowdowns = slowdown_of_flows();
    std::map<PortId, Victims> victims;
    for (std::size_t i = 0; i < slowdowns.size(); ++i) {
      if (slowdowns[i] < Limits::kVictimSlowdown) continue;
      double paused = 0;
      const PortId link = blocking_link(i, paused);
      if (!link.valid()) continue;
      Victims& group = victims[link];
      ++group.flows;
      if (slowdowns[i] <= group.slowdown) continue;
      group = {group.flows, i, slowdowns[i], paused};
    }
    for (const auto& [link, group] : victims) findings.push_back(finding(link, group));
  }

 private:
  struct Victims {
    std::size_t flows = 0;
    std::size_t worst = 0;
    double slowdown = 0, paused = 0;
  };

  // Of the connection's delivered messages together; 0 where there are none.
  std::vector<double> slowdown_of_flows() const {
    using Key = std::tuple<GpuId, GpuId, std::uint32_t>;
    const std::vector<FlowRecord>& flows = results_.records.flows;
    std::map<Key, std::pair<Duration, Duration>> times;
    for (const MessageRecord& m : results_.records.messages) {
      if (!is_delivered(m)) continue;
      auto& [taken, ideal] = times[{m.from, m.to, m.stream}];
      taken += completion_time(m);
      ideal += m.ideal;
    }
    std::vector<double> slowdowns(flows.size());
    for (std::size_t i = 0; i < flows.size(); ++i) {
      const auto it = times.find({flows[i].from, flows[i].to, flows[i].stream});
      if (it != times.end()) slowdowns[i] = share(it->second.first, it->second.second);
    }
    return slowdowns;
  }

  // The last link of the flow's path that pauses held back for a notable share of its life, if
  // all links after it had room for the flow; else none.
  PortId blocking_link(std::size_t flow, double& paused) const {
    const std::span<const PortId> path = results_.records.flow_paths.of(flow);
    const FlowRecord& record = results_.records.flows[flow];
    const Duration life = record.last_acked - record.first_sent;
    for (std::size_t i = path.size(); i-- > 0;) {
      const LinkRecord& link = links_[path[i].index()];
      paused = share(pause_in_life(link, record), life);
      if (paused >= Limits::kVictimPaused) return i + 1 < path.size() ? path[i] : PortId();
      const double queue = static_cast<double>(
          transmission_time(link.max_queue, graph_.egress(path[i]).rate).to_us());
      if (share(link.busy, life) > Limits::kCalmUse || queue > Limits::kCalmQueueUs) return {};
    }
    return {};
  }

  // As if the link's pauses were spread evenly from the first to the last.
  static Duration pause_in_life(const LinkRecord& link, const FlowRecord& flow) {
    const SimTime from = std::max(link.paused_from, flow.first_sent);
    const SimTime until = std::min(link.paused_until, flow.last_acked);
    if (until <= from) return {};
    const double density = share(link.paused, link.paused_until - link.paused_from);
    return Duration::ps(
        static_cast<std::int64_t>(density * static_cast<double>((until - from).ps())));
  }

  Finding finding(PortId link, const Victims& group) const {
    const FlowRecord& worst = results_.records.flows[group.worst];
    const std::string name = graph_.link_name(link);
    return {FindingKind::kHeadOfLine, Severity::kWarning, name, static_cast<double>(group.flows),
            fmt::format("head-of-line blocking: pauses of {} hold back {} whose way on was free; "
                        "{} -> {} took {:.1f} x ideal and found it paused for about {} of its life",
                        name, counted(group.flows, "flow"), gpu_name(graph_, worst.from),
                        gpu_name(graph_, worst.to), group.slowdown, percent(group.paused))};
  }

  const Results& results_;
  const FabricGraph& graph_;
  const std::vector<LinkRecord>& links_;
};

}  // namespace

void find_pauses(const Results& results, std::vector<Finding>& findings) {
  PauseTrees(results).report(findings);
  HeadOfLine(results).report(findings);
}

}  // namespace plait
