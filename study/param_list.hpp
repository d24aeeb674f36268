// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file param_list.hpp
/// Every parameter of a scenario with its type, default, range, help and source: `plait params`.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "study/config_visitor.hpp"

namespace plait {

struct ListedParam {
  std::string path;  ///< "fabric.switch.ecn.k_min"; items of a list as "jobs.N.start".
  std::string type;  ///< duration, size, rate, number, integer, boolean, text, choice, preset.
  std::string unit;  ///< What the value is written with, "" for plain numbers.
  std::string default_value;
  std::string range;  ///< "MIN to MAX", or the legal names of a choice or preset.
  std::string help;
  std::string source;     ///< Of the default.
  std::string only_with;  ///< "fabric.topology.kind = single_switch or file", or "".
};

/// All parameters that `describe_default` names for a freshly made struct, those behind every
/// choice included.
std::vector<ListedParam> list_params(const std::function<void(ConfigVisitor&)>& describe_default);

/// Those whose path starts with the path `filter`, or else those that have the word in path,
/// help, source, condition or among their choices. @throws UserError with the nearest path
/// component if there is none.
std::vector<ListedParam> filter_params(const std::vector<ListedParam>& params,
                                       const std::string& filter);

std::string params_table(const std::vector<ListedParam>& params);
std::string params_json(const std::vector<ListedParam>& params);

}  // namespace plait
