// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/process_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "sim/error.hpp"

namespace plait {

ProcessGroups::ProcessGroups(std::uint32_t ranks) : ranks_(ranks), of_rank_(ranks) {
  Group all{"all", {}};
  for (std::uint32_t rank = 0; rank < ranks; ++rank) all.ranks.emplace_back(rank);
  groups_.push_back(std::move(all));
}

void ProcessGroups::load(const std::filesystem::path& file) {
  using Json = nlohmann::ordered_json;  // groups are numbered in the order of the file
  file_ = file.string();
  std::ifstream in(file);
  if (!in) throw UserError(fmt::format("{}: cannot be opened", file_));
  Json root;
  try {
    root = Json::parse(in);
  } catch (const Json::exception& error) {
    throw UserError(fmt::format("{}: not JSON: {}", file_, error.what()));
  }
  if (!root.is_object())
    throw UserError(
        fmt::format("{}: expected an object of groups, {{\"name\": [rank, ...]}}", file_));
  for (const auto& [name, members] : root.items()) {
    const std::string where = fmt::format("{}: group '{}'", file_, name);
    if (!members.is_array() || members.empty())
      throw UserError(where + " must be a list of ranks that is not empty");
    std::vector<RankId> ranks;
    for (const auto& member : members) {
      if (!member.is_number_unsigned() || member.get<std::uint64_t>() >= ranks_)
        throw UserError(fmt::format("{} names rank {}; there are ranks 0 to {}", where,
                                    member.dump(), ranks_ - 1));
      ranks.emplace_back(member.get<std::uint64_t>());
    }
    shared_[name] = intern(name, std::move(ranks), where);
  }
}

void ProcessGroups::declare(RankId rank, const std::string& name, std::vector<RankId> ranks,
                            const std::string& where, bool strict, const std::string& title) {
  if (ranks.empty()) {
    of_rank_[rank.index()][name] = GroupId(0);
    return;
  }
  const std::string what = fmt::format("{}: process group '{}'", where, name);
  const auto absent = [&](RankId member) { return member.value() >= ranks_; };
  const auto first_absent = std::find_if(ranks.begin(), ranks.end(), absent);
  if (first_absent != ranks.end()) {
    if (strict)
      throw UserError(fmt::format("{} names rank {}; there are ranks 0 to {}", what,
                                  first_absent->value(), ranks_ - 1));
    ++cut_groups_;
    absent_members_ += std::erase_if(ranks, absent);
    if (ranks.empty()) return;  // nothing of it is here, so nobody here may use it
  }
  of_rank_[rank.index()][name] = intern(title.empty() ? name : title, std::move(ranks), what);
}

GroupId ProcessGroups::intern(const std::string& name, std::vector<RankId> ranks,
                              const std::string& where) {
  std::set<RankId> seen;
  for (const RankId rank : ranks)
    if (!seen.insert(rank).second)
      throw UserError(fmt::format("{} names rank {} twice", where, rank.value()));
  const auto [entry, is_new] = known_.try_emplace({name, ranks}, groups_.size());
  if (is_new) groups_.push_back({name, std::move(ranks)});
  return entry->second;
}

GroupId ProcessGroups::find(RankId rank, const std::string& name, const std::string& where) const {
  if (name.empty()) return GroupId(0);
  const std::map<std::string, GroupId>& own = of_rank_[rank.index()];
  GroupId group;
  if (const auto found = shared_.find(name); found != shared_.end()) {
    group = found->second;
  } else if (const auto declared = own.find(name); declared != own.end()) {
    group = declared->second;
  } else if (shared_.empty() && own.empty() && (name == "0" || name == "default_pg")) {
    return GroupId(0);
  } else {
    std::vector<std::string> names;
    for (const auto& [known, id] : shared_) names.push_back(known);
    for (const auto& [known, id] : own) names.push_back(known);
    throw UserError(fmt::format("{}: unknown process group '{}'{}; {}", where, name,
                                did_you_mean(name, names),
                                file_.empty() ? "give a group file that says which ranks it means"
                                              : fmt::format("groups are defined in {}", file_)));
  }
  return group;
}

}  // namespace plait
