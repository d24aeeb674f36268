// SPDX-License-Identifier: Apache-2.0
#include "study/config_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "study/yaml_tree.hpp"

namespace plait {

namespace {

constexpr std::uintmax_t kMaxFileBytes = 64U << 20;

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t dot = path.find('.');
    parts.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    path.remove_prefix(dot + 1);
  }
}

ConfigNode& list_item(ConfigNode& list, const std::string& part, const std::string& list_path,
                      const SourceLocation& where) {
  std::size_t index = 0;
  const char* end = part.data() + part.size();
  const auto [rest, status] = std::from_chars(part.data(), end, index);
  if (status == std::errc() && rest == end) {
    if (index < list.items.size()) return list.items[index];
    throw UserError(where, fmt::format("{} has {} items, numbered from 0; there is no {}",
                                       list_path, list.items.size(), part));
  }
  std::vector<std::string> names;
  for (ConfigNode& item : list.items) {
    if (item.kind != ConfigKind::kTable) continue;
    const ConfigNode* name = item.find("name");
    if (name == nullptr || name->kind != ConfigKind::kScalar) continue;
    if (name->scalar == part) return item;
    names.push_back(name->scalar);
  }
  const std::string hint = did_you_mean(part, names);
  throw UserError(where,
                  fmt::format("{} has no item named '{}'{} write an index or a name: {}", list_path,
                              part, hint.empty() ? ";" : hint, fmt::join(names, ", ")));
}

// Of bytes that are no text, the YAML parser's messages would quote some.
bool is_utf8_text(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return false;
  try {
    static_cast<void>(nlohmann::json(text).dump());
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
  return true;
}

// The child of `node` called `part`, created if `node` can have it.
ConfigNode& child(ConfigNode& node, const std::string& part, const std::string& path,
                  const SourceLocation& where) {
  if (node.kind == ConfigKind::kList) return list_item(node, part, path, where);
  if (node.kind == ConfigKind::kScalar)
    throw UserError(where, fmt::format("{} is a value, it has no '{}' inside", path, part));
  if (ConfigNode* existing = node.find(part)) return *existing;
  node.kind = ConfigKind::kTable;
  node.entries.push_back({part, where, ConfigNode{}});
  node.entries.back().value.where = where;
  return node.entries.back().value;
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const {
  const auto it = std::find_if(entries.begin(), entries.end(),
                               [&](const ConfigEntry& entry) { return entry.key == key; });
  return it == entries.end() ? nullptr : &it->value;
}

ConfigNode* ConfigNode::find(std::string_view key) {
  return const_cast<ConfigNode*>(std::as_const(*this).find(key));
}

ConfigNode parse_config(std::string_view text, const std::string& name) {
  if (!is_utf8_text(text)) throw UserError({name}, "is not UTF-8 text");
  ConfigNode root = parse_yaml(text, name, YamlPlaces::kLines);
  if (root.kind == ConfigKind::kEmpty) throw UserError({name}, "is empty");
  if (root.kind != ConfigKind::kTable)
    throw UserError(root.where, "a scenario is a table of 'key: value' lines");
  return root;
}

ConfigNode load_config(const std::string& path) {
  std::error_code status;
  if (!std::filesystem::exists(path, status)) throw UserError({path}, "no such file");
  if (std::filesystem::is_directory(path, status))
    throw UserError({path}, "is a folder; a scenario is a YAML file");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw UserError({path}, "cannot be read");
  std::string text;
  std::vector<char> part(1 << 16);
  while (in.read(part.data(), static_cast<std::streamsize>(part.size())) || in.gcount() > 0) {
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxFileBytes)
      throw UserError({path}, "is larger than 64 MiB; a scenario is a short YAML file");
  }
  if (in.bad()) throw UserError({path}, "cannot be read");
  return parse_config(text, path);
}

void apply_setting(ConfigNode& root, const std::string& setting) {
  const SourceLocation where{"--set " + setting};
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UserError(where, "write path=value, for example fabric.link.rate=400Gbps");
  ConfigNode* node = &root;
  std::string path;
  for (const std::string& part : split_path(std::string_view(setting).substr(0, equals))) {
    if (part.empty()) throw UserError(where, "the path has an empty component");
    node = &child(*node, part, path.empty() ? "the scenario" : path, where);
    path += (path.empty() ? "" : ".") + part;
  }
  *node = parse_yaml(std::string_view(setting).substr(equals + 1), where.file, YamlPlaces::kNone);
  if (node->kind == ConfigKind::kEmpty) throw UserError(where, "has no value after '='");
}

}  // namespace plait
