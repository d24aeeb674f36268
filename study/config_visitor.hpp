// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file config_visitor.hpp
/// A ParamVisitor that also knows lists of tables, such as the jobs of a scenario.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sim/params.hpp"

namespace plait {

class ConfigVisitor : public ParamVisitor {
 public:
  /// A list of words, such as names of hosts: `[host3, host7]`.
  virtual void words(const ParamInfo& info, std::vector<std::string>& value) = 0;
  /// The key `info.name` with a list of tables. @param size in hand. @return items to visit, each
  /// between begin_item() and end(); end_list() follows.
  virtual std::size_t begin_list(const ParamInfo& info, std::size_t size) = 0;
  virtual void begin_item(std::size_t index) = 0;
  virtual void end_list() = 0;
  /// A table that may be left out. @return whether to visit its inside; then end() follows.
  virtual bool begin_optional(const ParamInfo& info, bool in_hand) = 0;
};

/// Runs `describe` on every item of a list under its own key.
template <class Struct>
void nested_list(ConfigVisitor& visitor, const ParamInfo& info, std::vector<Struct>& items) {
  items.resize(visitor.begin_list(info, items.size()));
  for (std::size_t i = 0; i < items.size(); ++i) {
    visitor.begin_item(i);
    describe(visitor, items[i]);
    visitor.end();
  }
  visitor.end_list();
}

/// Runs `describe` on a table that may be left out.
template <class Struct>
void nested_optional(ConfigVisitor& visitor, const ParamInfo& info, std::optional<Struct>& value) {
  if (!visitor.begin_optional(info, value.has_value())) return;
  if (!value) value.emplace();
  describe(visitor, *value);
  visitor.end();
}

/// Names of `choices`, for messages.
std::vector<std::string> choice_names(const std::vector<Choice>& choices);

}  // namespace plait
