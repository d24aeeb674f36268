// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <deque>
#include <set>
#include <vector>

#include "sim/free_list.hpp"

namespace plait {
namespace {

struct Node {
  Node* next = nullptr;
};

struct Lists {
  explicit Lists(const std::vector<std::size_t>& sizes) : lists(sizes.size()) {
    for (std::size_t l = 0; l < sizes.size(); ++l)
      for (std::size_t n = 0; n < sizes[l]; ++n) lists[l].give(&nodes.emplace_back());
  }
  std::vector<std::size_t> balanced() {
    std::vector<FreeList<Node>*> all;
    for (auto& list : lists) all.push_back(&list);
    balance(all);
    std::vector<std::size_t> sizes;
    for (const auto& list : lists) sizes.push_back(list.size());
    return sizes;
  }
  std::deque<Node> nodes;
  std::vector<FreeList<Node>> lists;
};

}  // namespace

TEST_CASE("a free list gives back last what it got first, also of chains", "[free_list]") {
  Node a, b, c;
  FreeList<Node> list;
  CHECK(list.empty());
  list.give(&a);
  b.next = &c;
  list.give(&b, &c, 2);
  CHECK(list.size() == 3);
  CHECK(list.take() == &b);
  CHECK(list.take() == &c);
  CHECK(list.take() == &a);
  CHECK(list.empty());
  CHECK(list.size() == 0);
}

TEST_CASE("lists far above the mean give to those below it", "[free_list]") {
  // The mean of 100, 5000 and 1200 is 2100. 5000 gives the first list the 2000 that it lacks; then
  // it has 3000, which is less than 1024 above.
  Lists lists({100, 5000, 1200});
  CHECK(lists.balanced() == std::vector<std::size_t>{2100, 3000, 1200});
  std::set<Node*> seen;  // none lost, none twice
  for (auto& list : lists.lists)
    while (!list.empty()) seen.insert(list.take());
  CHECK(seen.size() == 6300);
  // 1000 and 2000 lie within 1024 of their mean.
  CHECK(Lists({1000, 2000}).balanced() == std::vector<std::size_t>{1000, 2000});
  CHECK(Lists({0, 0}).balanced() == std::vector<std::size_t>{0, 0});
  CHECK(Lists({7}).balanced() == std::vector<std::size_t>{7});
}

}  // namespace plait
