// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file process_groups.hpp
/// Which ranks a process-group name of a trace means. Names come from a JSON group file (valid for
/// all ranks) or from the traces themselves (each rank names its own: the same name may mean other
/// ranks on another rank, as in PyTorch).

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "workloads/op_graph.hpp"

namespace plait {

class ProcessGroups {
 public:
  /// Group 0 is all `ranks` ranks.
  explicit ProcessGroups(std::uint32_t ranks);

  /// Reads { "name": [rank, ...], ... }, the form of ASTRA-sim's --comm-group-configuration.
  /// @throws UserError on anything else, a rank out of range or named twice, an empty group.
  void load(const std::filesystem::path& file);

  /// Declares what `name` means in the trace of one rank. No ranks = all ranks. A trace of some
  /// ranks of a larger job names ranks that are not there: the group is cut to those that are, and
  /// counted (absent_members()).
  /// @param title what the group is called; empty: as `name`.
  /// @throws UserError if a rank is not there and `strict`, or a rank is named twice.
  void declare(RankId rank, const std::string& name, std::vector<RankId> ranks,
               const std::string& where, bool strict, const std::string& title = {});
  /// Declared groups that were cut, and how many members that cost in all.
  std::uint64_t cut_groups() const { return cut_groups_; }
  std::uint64_t absent_members() const { return absent_members_; }

  /// The group that `name` means to `rank`; an empty name means all ranks. Without any declaration
  /// "0" and "default_pg", PyTorch's names of the default group, do, too.
  /// @throws UserError when it is not known. `where` names file and op.
  GroupId find(RankId rank, const std::string& name, const std::string& where) const;

  const std::vector<Group>& groups() const { return groups_; }

 private:
  GroupId intern(const std::string& name, std::vector<RankId> ranks, const std::string& where);

  std::uint32_t ranks_;
  std::string file_;
  std::uint64_t cut_groups_ = 0;
  std::uint64_t absent_members_ = 0;
  std::vector<Group> groups_;
  std::map<std::pair<std::string, std::vector<RankId>>, GroupId> known_;
  std::map<std::string, GroupId> shared_;                ///< From the file.
  std::vector<std::map<std::string, GroupId>> of_rank_;  ///< From the traces.
};

}  // namespace plait
