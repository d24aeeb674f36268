// SPDX-License-Identifier: Apache-2.0
#include "sim/group_clocks.hpp"

#include "sim/check.hpp"

namespace plait {

namespace {
std::int64_t sum(std::int64_t a, std::int64_t b) {
  return a == EntityGroups::kNever || b == EntityGroups::kNever ? EntityGroups::kNever : a + b;
}
}  // namespace

EntityGroups EntityGroups::single(std::size_t entities, Duration lookahead) {
  return {std::vector<std::uint8_t>(entities, 0), {0}, {lookahead.ps()}};
}

std::int64_t EntityGroups::longest_window_ps(std::size_t group) const {
  std::int64_t longest = kNever;
  for (std::size_t other = 0; other < count(); ++other)
    longest = std::min(longest, sum(lookahead(group, other), lookahead(other, group)));
  return longest;
}

// A group h that ran last ended at most a window behind any time in it. Of the others none has run
// further than the way of latencies from where h began.
Duration EntityGroups::spread() const {
  const std::size_t n = count();
  EntityGroups way = *this;
  for (std::size_t via = 0; via < n; ++via)
    for (std::size_t from = 0; from < n; ++from)
      for (std::size_t to = 0; to < n; ++to)
        way.lookahead(from, to) = std::min(way.lookahead(from, to),
                                           sum(way.lookahead(from, via), way.lookahead(via, to)));
  std::int64_t most = 0;
  for (std::size_t from = 0; from < n; ++from) {
    most = std::max(most, longest_window_ps(from));
    for (std::size_t to = 0; to < n; ++to)
      if (from != to) most = std::max(most, way.lookahead(from, to));
  }
  return Duration::ps(most);
}

void EntityGroups::limit(Duration most) {
  for (std::int64_t& lookahead : lookahead_ps)
    if (lookahead != kNever) lookahead = std::min(lookahead, most.ps());
}

GroupClocks::GroupClocks(const EntityGroups& groups)
    : clock_ps_(groups.count(), 0), shortest_ps_(groups.count(), EntityGroups::kNever) {
  PLAIT_CHECK_LE(groups.count(), EntityGroups::kMost);
  PLAIT_CHECK_EQ(groups.lookahead_ps.size(), groups.count() * groups.count());
  for (std::uint32_t to = 0; to < groups.count(); ++to) {
    for (std::uint32_t from = 0; from < groups.count(); ++from) {
      const std::int64_t lookahead = groups.lookahead(from, to);
      if (lookahead == EntityGroups::kNever) continue;
      PLAIT_CHECK_LT(std::int64_t{0}, lookahead);
      bounds_.push_back({from, to, lookahead});
      shortest_ps_[to] = std::min(shortest_ps_[to], lookahead);
    }
    PLAIT_CHECK_LT(shortest_ps_[to], EntityGroups::kNever);
    longest_ps_.push_back(groups.longest_window_ps(to));
  }
}

// The group furthest behind may always go on, by its shortest lookahead at least. Others go first
// only where they are less than one of its windows ahead, so it waits for a while only.
bool GroupClocks::next(std::int64_t until_ps, Turn& turn) const {
  std::int64_t end[EntityGroups::kMost];
  std::fill_n(end, clock_ps_.size(), until_ps);
  for (const Bound& bound : bounds_)
    end[bound.to] = std::min(end[bound.to], clock_ps_[bound.from] + bound.lookahead_ps);
  const auto last = static_cast<unsigned>(std::min_element(clock_ps_.begin(), clock_ps_.end()) -
                                          clock_ps_.begin());
  if (clock_ps_[last] >= until_ps) return false;
  std::int64_t begin = clock_ps_[last] + longest_ps_[last];
  unsigned chosen = last;
  for (unsigned g = 0; g < clock_ps_.size(); ++g) {
    const bool whole = end[g] == until_ps || end[g] - clock_ps_[g] >= longest_ps_[g];
    if (!whole || clock_ps_[g] >= std::min(begin, until_ps)) continue;
    chosen = g;
    begin = clock_ps_[g];
  }
  turn = {chosen, clock_ps_[chosen], end[chosen]};
  return true;
}

}  // namespace plait
