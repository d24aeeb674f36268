// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/double_tree.hpp"

#include <bit>

namespace plait {

namespace {

/// A node of the first tree: below index i with lowest set bit b hang i - b/2 and the nearest of
/// i + b/2, i + b/4 ... that exists.
TreeNode first_tree_node(std::uint32_t n, std::uint32_t index) {
  TreeNode node;
  if (index == 0) {
    if (n > 1) node.children.push_back(std::bit_ceil(n) / 2);
    return node;
  }
  const std::uint32_t bit = index & (~index + 1);
  const std::uint32_t upper = (index ^ bit) | (bit << 1);
  node.parent = upper < n ? upper : index ^ bit;
  if (bit == 1) return node;
  node.children.push_back(index - bit / 2);
  for (std::uint32_t step = bit / 2; step > 0; step /= 2)
    if (index + step < n) {
      node.children.push_back(index + step);
      break;
    }
  return node;
}

/// Between the number of a node in the group and in the second tree; its own inverse if n is even.
std::uint32_t to_second(std::uint32_t n, std::uint32_t index) {
  return n % 2 == 0 ? n - 1 - index : (index + n - 1) % n;
}
std::uint32_t from_second(std::uint32_t n, std::uint32_t index) {
  return n % 2 == 0 ? n - 1 - index : (index + 1) % n;
}

}  // namespace

TreeNode double_tree_node(std::uint32_t n, std::uint32_t tree, std::uint32_t index) {
  if (tree == 0) return first_tree_node(n, index);
  TreeNode node = first_tree_node(n, to_second(n, index));
  if (node.parent != TreeNode::kNone) node.parent = from_second(n, node.parent);
  for (std::uint32_t& child : node.children) child = from_second(n, child);
  return node;
}

std::uint32_t double_tree_root(std::uint32_t n, std::uint32_t tree) {
  return tree == 0 ? 0 : from_second(n, 0);
}

}  // namespace plait
