// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file group_clocks.hpp
/// How far parts of a simulation may run ahead of each other. Entities fall into groups, each with
/// a clock: all of the group is simulated until there. With L(h, g) the least latency of a channel
/// from group h to group g, what reaches g before clock(h) + L(h, g) has been sent, so g may run to
/// the least of these over all h (Chandy and Misra, CACM 1981, with clocks in the place of null
/// messages).
///
/// Two groups with channels between them only leapfrog: each runs windows as long as both latencies
/// together, half as many visits with twice the work at hand. Groups that only long latencies reach
/// run long windows beside others with short ones.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/units.hpp"

namespace plait {

struct EntityGroups {
  static constexpr std::int64_t kNever = INT64_MAX;
  static constexpr std::size_t kMost = 32;

  std::vector<std::uint8_t> of;  ///< Group of each entity; below kMost.
  /// Side of each group, 0 or 1: with several groups channels lead from one side to the other.
  std::vector<std::uint8_t> side;
  /// Least latency of a channel [from * count() + to]; kNever: there is none.
  std::vector<std::int64_t> lookahead_ps;

  /// All may reach each other, and themselves.
  static EntityGroups single(std::size_t entities, Duration lookahead);

  std::size_t count() const { return side.size(); }
  std::int64_t& lookahead(std::size_t from, std::size_t to) {
    return lookahead_ps[from * count() + to];
  }
  std::int64_t lookahead(std::size_t from, std::size_t to) const {
    return lookahead_ps[from * count() + to];
  }
  /// The longest window that a group can ever have: out to a neighbour and back.
  std::int64_t longest_window_ps(std::size_t group) const;
  /// No clock is further than this ahead of any time that lies in the last window of any group.
  Duration spread() const;
  /// No latency is taken to be longer than `most`.
  void limit(Duration most);
};

class GroupClocks {
 public:
  /// @pre every group is reached by some group, maybe itself.
  explicit GroupClocks(const EntityGroups& groups);

  struct Turn {
    unsigned group = 0;
    std::int64_t begin_ps = 0, end_ps = 0;
  };
  /// Whose turn it is: the group that is furthest behind, but one whose window would be shorter
  /// than it can be waits while others may go on. @return false if all have reached `until_ps`.
  bool next(std::int64_t until_ps, Turn& turn) const;

  void set(unsigned group, std::int64_t now_ps) { clock_ps_[group] = now_ps; }
  /// Nothing happens before `at_ps`.
  void skip_to(std::int64_t at_ps) {
    for (std::int64_t& clock : clock_ps_) clock = std::max(clock, at_ps);
  }
  /// All groups have been simulated until here.
  std::int64_t earliest() const { return *std::min_element(clock_ps_.begin(), clock_ps_.end()); }
  /// The shortest latency to a group: no window is shorter, but for the end of the run.
  std::int64_t shortest_ps(unsigned group) const { return shortest_ps_[group]; }

 private:
  struct Bound {
    std::uint32_t from, to;
    std::int64_t lookahead_ps;
  };
  std::vector<Bound> bounds_;  // by group reached
  std::vector<std::int64_t> clock_ps_, longest_ps_, shortest_ps_;
};

}  // namespace plait
