// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/group_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "sim/error.hpp"

namespace plait {

void declare_groups(const chakra::Node& node, const ChakraPlace& where, RankId rank,
                    ProcessGroups& groups, bool strict) {
  const std::string& text = node.inputs().values();
  const std::size_t begin = text.find("[{");
  const std::size_t end = text.rfind("}]");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return;
  try {
    for (const auto& group : nlohmann::json::parse(text.substr(begin, end + 2 - begin))) {
      std::vector<RankId> ranks;
      for (const auto& member : group.at("ranks"))
        ranks.emplace_back(std::min<std::uint64_t>(member.get<std::uint64_t>(), UINT32_MAX - 1));
      const std::string title = group.value("plait_name", std::string());
      groups.declare(rank, group.at("pg_name").get<std::string>(), std::move(ranks), where.text(),
                     strict, title);
    }
  } catch (const nlohmann::json::exception& error) {
    throw UserError(
        fmt::format("{}: process groups cannot be read: {}", where.text(), error.what()));
  }
}

}  // namespace plait
