// SPDX-License-Identifier: Apache-2.0
// Collectives in the switch of the scale-up network: each of a host's m members owns 1/m of the
// data; the switch adds up what all contribute to a piece and gives the sum to its owner, and
// copies what an owner sends to all. After NCCL's NVLS and NVLSTree (src/device/all_reduce.h,
// RunWorkColl for NCCL_ALGO_NVLS and NCCL_ALGO_NVLS_TREE). The tree between hosts links the owners
// of the same piece, two trees with half of the piece each.
#include <algorithm>

#include "workloads/collectives/double_tree.hpp"
#include "workloads/collectives/stages.hpp"

namespace plait {

namespace {

std::unique_ptr<CollectiveSchedule> on_one_host(const CollectiveCall& call) {
  const bool gather = call.kind == CollectiveKind::kAllGather;
  const Extent whole{0, call.size.count()};
  std::vector<Stage> stages;
  std::vector<StageWait> hears;
  if (!gather) {
    stages.emplace_back();
    hears.push_back({call.position, 0});
    for (std::uint32_t owner = 0; owner < call.group_size; ++owner)
      stages[0].sends.push_back(
          {owner, cut(whole, call.group_size, owner), true, StepMode::kReduce});
  }
  if (call.kind != CollectiveKind::kReduceScatter) {
    const auto channel = static_cast<std::uint32_t>(stages.size());
    const Extent piece = gather ? Extent{call.size.count() * call.position, call.size.count()}
                                : cut(whole, call.group_size, call.position);
    stages.push_back({hears, {{call.position, piece, false, StepMode::kMulticast}}});
    for (std::uint32_t member = 0; member < call.group_size; ++member)
      hears.push_back({member, channel});
  }
  return std::make_unique<StageSchedule>(
      std::move(stages), std::move(hears),
      lane_count(call.size, gather ? 1 : call.group_size, call.max_chunk));
}

/// The stages of one tree's half of each piece: contributions, up, down, copies; a channel each.
/// The root turns: what would release its way up releases its way down and its copies.
void add_tree(const CollectiveCall& call, std::uint32_t tree, std::vector<Stage>& stages,
              std::vector<StageWait>& hears) {
  const auto& hosts = call.layout->hosts;
  const std::uint32_t host = call.layout->host_of[call.position];
  const auto& members = hosts[host];
  const auto index = static_cast<std::uint32_t>(
      std::find(members.begin(), members.end(), call.position) - members.begin());
  const auto half = [&](std::uint32_t owner) {
    return cut(cut({0, call.size.count()}, static_cast<std::int64_t>(members.size()), owner), 2,
               tree);
  };
  const auto contribute = static_cast<std::uint32_t>(stages.size());
  const std::uint32_t up = contribute + 1, down = contribute + 2, copy = contribute + 3;
  stages.resize(stages.size() + 4);
  for (std::uint32_t owner = 0; owner < members.size(); ++owner)
    stages[contribute].sends.push_back({members[owner], half(owner), true, StepMode::kReduce});
  const TreeNode node = double_tree_node(static_cast<std::uint32_t>(hosts.size()), tree, host);
  std::vector<StageWait> summed{{call.position, contribute}};
  for (const std::uint32_t child : node.children) {
    summed.push_back({hosts[child][index], up});
    stages[down].sends.push_back({hosts[child][index], half(index), false, StepMode::kMessage});
  }
  hears.insert(hears.end(), summed.begin(), summed.end());
  if (node.parent == TreeNode::kNone) {
    stages[down].waits = summed;
  } else {
    const std::uint32_t parent = hosts[node.parent][index];
    stages[up] = {summed, {{parent, half(index), true, StepMode::kMessage}}};
    stages[down].waits = {{parent, down}};
    hears.push_back({parent, down});
  }
  stages[copy] = {stages[down].waits, {{call.position, half(index), false, StepMode::kMulticast}}};
  for (const std::uint32_t member : members) hears.push_back({member, copy});
}

}  // namespace

std::unique_ptr<CollectiveSchedule> make_nvls_schedule(const CollectiveCall& call) {
  if (call.algorithm == CollectiveAlgorithm::kNvls) return on_one_host(call);
  std::vector<Stage> stages;
  std::vector<StageWait> hears;
  for (std::uint32_t tree = 0; tree < 2; ++tree) add_tree(call, tree, stages, hears);
  const auto members = static_cast<std::int64_t>(call.layout->hosts[0].size());
  return std::make_unique<StageSchedule>(std::move(stages), std::move(hears),
                                         lane_count(call.size, 2 * members, call.max_chunk));
}

}  // namespace plait
