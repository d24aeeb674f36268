// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file config_node.hpp
/// A scenario's text as a tree in which every node knows where the user wrote it: parsed from YAML,
/// changed by `--set`, then read by the visitors of config_reader.hpp. Structure that YAML leaves
/// open is decided here: duplicate keys are errors, `<<` merges, aliases are copied.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/error.hpp"

namespace plait {

struct ConfigNode;

/// One `key: value` of a table.
struct ConfigEntry;

enum class ConfigKind : std::uint8_t { kEmpty, kScalar, kTable, kList };

struct ConfigNode {
  ConfigKind kind = ConfigKind::kEmpty;
  std::string scalar;                ///< Text of a kScalar.
  std::vector<ConfigEntry> entries;  ///< Of a kTable, in the order written.
  std::vector<ConfigNode> items;     ///< Of a kList.
  SourceLocation where;

  /// The value under `key`, or null. @pre kTable or kEmpty.
  const ConfigNode* find(std::string_view key) const;
  ConfigNode* find(std::string_view key);
};

struct ConfigEntry {
  std::string key;
  SourceLocation key_where;
  ConfigNode value;
};

/// Parses one YAML document whose root is a table. @param name of the text in messages: the file.
/// @throws UserError with file:line:column.
ConfigNode parse_config(std::string_view text, const std::string& name);

/// Reads and parses the file at `path`. @throws UserError also if it cannot be read.
ConfigNode load_config(const std::string& path);

/// Applies "path=value": components of the path are keys, and in a list an index or the `name` of
/// an item. Missing tables are created; whether the keys exist is the reader's question. The value
/// is YAML. @throws UserError on bad syntax or a list item that does not exist.
void apply_setting(ConfigNode& root, const std::string& setting);

}  // namespace plait
