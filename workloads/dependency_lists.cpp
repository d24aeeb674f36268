// SPDX-License-Identifier: Apache-2.0
#include "workloads/dependency_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>

#include "sim/check.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

/// Who waits for each op.
PositionLists followers_of(const PositionLists& needs) {
  PositionLists followers;
  followers.first.assign(needs.size() + 1, 0);
  for (const std::uint32_t need : needs.items) ++followers.first[need + 1];
  std::partial_sum(followers.first.begin(), followers.first.end(), followers.first.begin());
  followers.items.resize(needs.items.size());
  SpillVector<std::size_t> next(followers.first.begin(), followers.first.end() - 1);
  for (std::size_t i = 0; i < needs.size(); ++i)
    for (const std::uint32_t need : needs.of(i))
      followers.items[next[need]++] = static_cast<std::uint32_t>(i);
  return followers;
}

}  // namespace

IdIndex::IdIndex(const SpillVector<std::uint64_t>& ids, std::string_view where) : ids_(ids) {
  const auto not_ascending = std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>());
  if (not_ascending == ids.end()) return;  // ids can be searched as they are
  sorted_.resize(ids.size());
  std::iota(sorted_.begin(), sorted_.end(), 0U);
  std::sort(sorted_.begin(), sorted_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return ids_[a] < ids_[b]; });
  for (std::size_t i = 1; i < sorted_.size(); ++i)
    if (ids[sorted_[i]] == ids[sorted_[i - 1]])
      throw UserError(fmt::format("{}: two ops have the id {}", where, ids[sorted_[i]]));
}

std::uint32_t IdIndex::position(std::uint64_t id) const {
  if (sorted_.empty()) {
    const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
    return found == ids_.end() || *found != id ? kNoPosition
                                               : static_cast<std::uint32_t>(found - ids_.begin());
  }
  const auto found =
      std::lower_bound(sorted_.begin(), sorted_.end(), id,
                       [&](std::uint32_t position, std::uint64_t x) { return ids_[position] < x; });
  return found == sorted_.end() || ids_[*found] != id ? kNoPosition : *found;
}

PositionLists resolve(const SpillVector<std::uint64_t>& ids,
                      const SpillVector<std::uint64_t>& depends_on,
                      const SpillVector<std::size_t>& first, std::string_view where) {
  const IdIndex index(ids, where);
  PositionLists needs;
  needs.items.reserve(depends_on.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::size_t d = first[i]; d < first[i + 1]; ++d) {
      needs.items.push_back(index.position(depends_on[d]));
      if (needs.items.back() == kNoPosition)
        throw UserError(fmt::format("{}: op {} depends on op {}, which does not exist", where,
                                    ids[i], depends_on[d]));
    }
    const auto begin = needs.items.begin() + static_cast<std::ptrdiff_t>(needs.first.back());
    std::sort(begin, needs.items.end());
    needs.items.erase(std::unique(begin, needs.items.end()), needs.items.end());
    needs.end_list();
  }
  return needs;
}

SpillVector<std::uint32_t> topological_order(const PositionLists& needs,
                                             SpillVector<std::uint32_t>& blocked) {
  const PositionLists followers = followers_of(needs);
  blocked.assign(needs.size(), 0);
  std::priority_queue<std::uint32_t, SpillVector<std::uint32_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    blocked[i] = static_cast<std::uint32_t>(needs.of(i).size());
    if (blocked[i] == 0) ready.push(static_cast<std::uint32_t>(i));
  }
  SpillVector<std::uint32_t> order;
  order.reserve(needs.size());
  while (!ready.empty()) {
    const std::uint32_t next = ready.top();
    ready.pop();
    order.push_back(next);
    for (const std::uint32_t follower : followers.of(next))
      if (--blocked[follower] == 0) ready.push(follower);
  }
  return order;
}

std::string describe_cycle(const PositionLists& needs, const SpillVector<std::uint32_t>& blocked,
                           const SpillVector<std::uint64_t>& ids) {
  constexpr std::size_t kMaxShown = 12;
  const auto first = std::find_if(blocked.begin(), blocked.end(), [](auto n) { return n > 0; });
  auto at = static_cast<std::uint32_t>(first - blocked.begin());
  SpillVector<std::size_t> step_of(needs.size(), SIZE_MAX);
  SpillVector<std::uint32_t> path;
  // A blocked op always depends on a blocked op, so the walk must come back to its own path.
  while (step_of[at] == SIZE_MAX) {
    step_of[at] = path.size();
    path.push_back(at);
    const std::span<const std::uint32_t> all = needs.of(at);
    const auto next =
        std::find_if(all.begin(), all.end(), [&](std::uint32_t need) { return blocked[need] > 0; });
    PLAIT_CHECK(next != all.end(), "a blocked op depends on a blocked op");
    at = *next;
  }
  const std::size_t length = path.size() - step_of[at];
  std::string text;
  for (std::size_t i = 0; i < std::min(length, kMaxShown); ++i)
    text += fmt::format("{} -> ", ids[path[step_of[at] + i]]);
  if (length > kMaxShown) text += fmt::format("... ({} more) -> ", length - kMaxShown);
  return text + fmt::format("{}", ids[at]);
}

PositionLists resolve_pairs(const SpillVector<std::uint64_t>& ids,
                            const SpillVector<std::pair<std::uint32_t, std::uint64_t>>& pairs,
                            std::string_view where) {
  if (pairs.empty()) return {};
  SpillVector<std::uint64_t> named;
  SpillVector<std::size_t> first{0};
  auto next = pairs.begin();
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    for (; next != pairs.end() && next->first == i; ++next) named.push_back(next->second);
    first.push_back(named.size());
  }
  return resolve(ids, named, first, where);
}

PositionLists joined(const PositionLists& a, const PositionLists& b) {
  PositionLists both;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both.items.insert(both.items.end(), a.of(i).begin(), a.of(i).end());
    both.items.insert(both.items.end(), b.of(i).begin(), b.of(i).end());
    both.end_list();
  }
  return both;
}

}  // namespace plait
