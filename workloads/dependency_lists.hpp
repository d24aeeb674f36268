// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file dependency_lists.hpp
/// Passes over the dependencies of an op graph that is being built: from ids to positions in the
/// order of adding, and an order in which each op comes after all it depends on (Kahn's algorithm).
/// All arrays may lie in files (sim/spill.hpp).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sim/spill.hpp"

namespace plait {

constexpr std::uint32_t kNoPosition = UINT32_MAX;

/// From the ids of ops to their positions in the order of adding.
class IdIndex {
 public:
  /// @param ids outlive this. @throws UserError, with `where`, if two are the same.
  IdIndex(const SpillVector<std::uint64_t>& ids, std::string_view where);

  /// Of the op with this id; kNoPosition if there is none.
  std::uint32_t position(std::uint64_t id) const;

 private:
  const SpillVector<std::uint64_t>& ids_;
  SpillVector<std::uint32_t> sorted_;  ///< Positions by id; empty if the ids ascend as they are.
};

/// For each op a list of positions, all in one array.
struct PositionLists {
  SpillVector<std::size_t> first{0};
  SpillVector<std::uint32_t> items;

  std::size_t size() const { return first.size() - 1; }
  std::span<const std::uint32_t> of(std::size_t i) const {
    return {items.data() + first[i], first[i + 1] - first[i]};
  }
  void end_list() { first.push_back(items.size()); }
};

/// Dependencies as positions of the adding order, ascending and without repetitions.
/// @param first where those of each op begin in `depends_on`, and one more.
/// @throws UserError, with `where`, naming a dependency on an id that no op has.
PositionLists resolve(const SpillVector<std::uint64_t>& ids,
                      const SpillVector<std::uint64_t>& depends_on,
                      const SpillVector<std::size_t>& first, std::string_view where);

/// The same for pairs of op (its position, ascending) and id; no lists at all without pairs.
PositionLists resolve_pairs(const SpillVector<std::uint64_t>& ids,
                            const SpillVector<std::pair<std::uint32_t, std::uint64_t>>& pairs,
                            std::string_view where);

/// Both lists of each. @pre as many of each.
PositionLists joined(const PositionLists& a, const PositionLists& b);

/// Adding order, except that an op comes after all it depends on. Shorter than the input when
/// there is a cycle; `blocked[i]` > 0 then marks the ops that wait for one.
SpillVector<std::uint32_t> topological_order(const PositionLists& needs,
                                             SpillVector<std::uint32_t>& blocked);

/// One cycle among the blocked ops, as "1 -> 5 -> 1" (each depends on the next).
std::string describe_cycle(const PositionLists& needs, const SpillVector<std::uint32_t>& blocked,
                           const SpillVector<std::uint64_t>& ids);

}  // namespace plait
