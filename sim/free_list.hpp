// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file free_list.hpp
/// Free nodes of one kind, last in first out, chained through their member `next`. One per worker:
/// a node may be taken from one list and given to another.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace plait {

template <class Node>
class FreeList {
 public:
  bool empty() const { return first_ == nullptr; }
  std::size_t size() const { return size_; }
  /// @pre not empty.
  Node* take() {
    Node* const node = std::exchange(first_, first_->next);
    --size_;
    __builtin_prefetch(first_, 1);
    return node;
  }
  void give(Node* node) { give(node, node, 1); }
  /// A chain of `count` nodes.
  void give(Node* first, Node* last, std::size_t count) {
    last->next = first_;
    first_ = first;
    size_ += count;
  }

 private:
  Node* first_ = nullptr;
  std::size_t size_ = 0;
};

/// Nodes drift from the lists of workers that take more to those that get more back; without this
/// the former would ask the system for memory for ever. Between windows only.
template <class Node>
void balance(const std::vector<FreeList<Node>*>& lists) {
  constexpr std::size_t kSlack = 1024;
  std::size_t total = 0;
  for (const auto* list : lists) total += list->size();
  const std::size_t fair = total / lists.size();
  for (auto* from : lists) {
    for (auto* to : lists) {
      if (from->size() <= fair + kSlack || to->size() >= fair) continue;
      for (std::size_t n = std::min(from->size() - fair, fair - to->size()); n > 0; --n)
        to->give(from->take());
    }
  }
}

}  // namespace plait
