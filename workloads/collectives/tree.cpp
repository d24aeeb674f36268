// SPDX-License-Identifier: Apache-2.0
// Trees, after NCCL's src/graph/connect.cc and src/device/all_reduce.h (runTreeSplit): every ring
// order carries both trees of a pair, each with an equal share of the data, in chunks, which an
// all-reduce sends up on one channel and down on another. Deviations: docs/collectives.md.
#include <algorithm>

#include "sim/check.hpp"
#include "workloads/collectives/double_tree.hpp"
#include "workloads/collectives/stages.hpp"

namespace plait {

namespace {

constexpr std::uint32_t kMaxTrees = 32;  // two channels each: kMaxChannels of models/

/// A position's neighbours in one tree: positions of the group.
struct Links {
  std::uint32_t parent = kNoPeer;
  std::vector<std::uint32_t> children;
};

std::uint32_t index_in(const std::vector<std::uint32_t>& order, std::uint32_t position) {
  const auto found = std::find(order.begin(), order.end(), position);
  PLAIT_CHECK(found != order.end(), "the order contains every position");
  return static_cast<std::uint32_t>(found - order.begin());
}

Links named(const TreeNode& node, const std::vector<std::uint32_t>& order) {
  Links links;
  if (node.parent != TreeNode::kNone) links.parent = order[node.parent];
  for (const std::uint32_t child : node.children) links.children.push_back(order[child]);
  return links;
}

Links flat_links(const CollectiveCall& call, std::uint32_t tree) {
  const auto& rings = call.layout->rings;
  const std::vector<std::uint32_t>& order = rings[tree / 2 % rings.size()];
  return named(double_tree_node(call.group_size, tree % 2, index_in(order, call.position)), order);
}

/// With a root the trees span the others, and the root is above the roots of both (section 3 of the
/// paper), so that it sends or takes half of the data from each.
Links rooted_links(const CollectiveCall& call, std::uint32_t tree) {
  const auto& rings = call.layout->rings;
  std::vector<std::uint32_t> others = rings[tree / 2 % rings.size()];
  std::rotate(others.begin(), others.begin() + index_in(others, call.root), others.end());
  others.erase(others.begin());
  const auto n = static_cast<std::uint32_t>(others.size());
  if (call.position == call.root) return {kNoPeer, {others[double_tree_root(n, tree % 2)]}};
  Links links = named(double_tree_node(n, tree % 2, index_in(others, call.position)), others);
  if (links.parent == kNoPeer) links.parent = call.root;
  return links;
}

/// On each host a chain that ends at its leader; the leaders, the tree/2-th member of each host,
/// form the tree.
Links two_level_links(const CollectiveCall& call, std::uint32_t tree) {
  const auto& hosts = call.layout->hosts;
  const std::uint32_t host = call.layout->host_of[call.position];
  const auto leader = [&](std::uint32_t h) { return hosts[h][tree / 2 % hosts[h].size()]; };
  const auto members = static_cast<std::uint32_t>(hosts[host].size());
  const std::uint32_t place =
      (index_in(hosts[host], call.position) + members - tree / 2 % members) % members;
  const auto in_chain = [&](std::uint32_t at) { return hosts[host][(at + tree / 2) % members]; };
  Links links;
  if (place == 0) {
    const TreeNode node =
        double_tree_node(static_cast<std::uint32_t>(hosts.size()), tree % 2, host);
    if (node.parent != TreeNode::kNone) links.parent = leader(node.parent);
    for (const std::uint32_t child : node.children) links.children.push_back(leader(child));
  } else {
    links.parent = in_chain(place - 1);
  }
  if (place + 1 < members) links.children.push_back(in_chain(place + 1));
  return links;
}

std::uint32_t tree_count(const CollectiveCall& call) {
  return std::min(2 * static_cast<std::uint32_t>(call.layout->rings.size()), kMaxTrees);
}

/// Channel 2t goes up tree t, channel 2t + 1 down. The root turns: its down stage waits for what
/// comes up.
template <typename LinksOf>
std::unique_ptr<CollectiveSchedule> up_and_down(const CollectiveCall& call, LinksOf links_of) {
  const std::uint32_t trees = tree_count(call);
  std::vector<Stage> stages(std::size_t{2} * trees);
  std::vector<StageWait> hears;
  for (std::uint32_t tree = 0; tree < trees; ++tree) {
    const Links links = links_of(call, tree);
    const Extent data = cut({0, call.size.count()}, trees, tree);
    const bool root = links.parent == kNoPeer;
    const std::uint32_t up = 2 * tree, down = up + 1;
    for (const std::uint32_t child : links.children) {
      stages[root ? down : up].waits.push_back({child, up});
      stages[down].sends.push_back({child, data, false, StepMode::kMessage});
      hears.push_back({child, up});
    }
    if (root) continue;
    stages[up].sends.push_back({links.parent, data, true, StepMode::kMessage});
    stages[down].waits.push_back({links.parent, down});
    hears.push_back({links.parent, down});
  }
  return std::make_unique<StageSchedule>(std::move(stages), std::move(hears),
                                         lane_count(call.size, trees, call.max_chunk));
}

/// A broadcast goes down, a reduction up: one channel a tree.
std::unique_ptr<CollectiveSchedule> one_way(const CollectiveCall& call) {
  const bool up = call.kind == CollectiveKind::kReduce;
  const std::uint32_t trees = tree_count(call);
  std::vector<Stage> stages(trees);
  std::vector<StageWait> hears;
  for (std::uint32_t tree = 0; tree < trees; ++tree) {
    const Links links = rooted_links(call, tree);
    const Extent data = cut({0, call.size.count()}, trees, tree);
    std::vector<std::uint32_t> from = links.children, to;
    if (links.parent != kNoPeer) to.push_back(links.parent);
    if (!up) std::swap(from, to);
    for (const std::uint32_t peer : from) hears.push_back({peer, tree});
    for (const std::uint32_t peer : from) stages[tree].waits.push_back({peer, tree});
    for (const std::uint32_t peer : to)
      stages[tree].sends.push_back({peer, data, up, StepMode::kMessage});
  }
  return std::make_unique<StageSchedule>(std::move(stages), std::move(hears),
                                         lane_count(call.size, trees, call.max_chunk));
}

}  // namespace

std::unique_ptr<CollectiveSchedule> make_tree_schedule(const CollectiveCall& call) {
  return call.kind == CollectiveKind::kAllReduce ? up_and_down(call, flat_links) : one_way(call);
}

std::unique_ptr<CollectiveSchedule> make_two_level_tree_schedule(const CollectiveCall& call) {
  return up_and_down(call, two_level_links);
}

}  // namespace plait
