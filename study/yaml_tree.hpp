// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file yaml_tree.hpp
/// YAML text as a ConfigNode tree.

#include <string>
#include <string_view>

#include "study/config_node.hpp"

namespace plait {

/// Whether nodes know line and column, or only the name of their text.
enum class YamlPlaces : bool { kNone, kLines };

/// The only document of `text`; kEmpty if there is none. @throws UserError
ConfigNode parse_yaml(std::string_view text, const std::string& name, YamlPlaces places);

}  // namespace plait
