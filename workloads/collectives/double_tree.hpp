// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file double_tree.hpp
/// Two binary trees over 0 .. n-1 of which each node is an inner one in at most one, so that half
/// the data over each loads every node's link evenly: Sanders, Speck and Traeff, "Two-tree
/// algorithms for full bandwidth broadcast, reduction and scan", Parallel Computing 35 (2009).
/// The shape is that of NCCL's src/graph/trees.cc (ncclGetBtree, ncclGetDtree): in the first tree 0
/// is the root and odd numbers are leaves; the second is the first one mirrored (even n) or shifted
/// by one (odd n).

#include <cstdint>
#include <vector>

namespace plait {

struct TreeNode {
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t parent = kNone;         ///< None: the root.
  std::vector<std::uint32_t> children;  ///< At most two.
};

/// @param tree 0 or 1. @pre index < n.
TreeNode double_tree_node(std::uint32_t n, std::uint32_t tree, std::uint32_t index);
std::uint32_t double_tree_root(std::uint32_t n, std::uint32_t tree);

}  // namespace plait
