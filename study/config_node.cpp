// SPDX-License-Identifier: Apache-2.0
#include "study/config_node.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace plait {

namespace {

// Aliases are copied, so a few lines could name billions of nodes; no honest scenario has so many.
constexpr std::size_t kMaxNodes = 1'000'000;
constexpr std::size_t kMaxDepth = 64;
constexpr std::uintmax_t kMaxFileBytes = 64U << 20;

class Converter {
 public:
  Converter(std::string name, bool with_lines) : name_(std::move(name)), lines_(with_lines) {}

  ConfigNode convert(const YAML::Node& yaml, std::size_t depth = 0) {
    ConfigNode node;
    node.where = location(yaml.Mark());
    if (depth > kMaxDepth) throw UserError(node.where, "nested too deeply");
    if (++count_ > kMaxNodes) throw UserError(node.where, "too many values");
    switch (yaml.Type()) {
      case YAML::NodeType::Scalar:
        node.kind = ConfigKind::kScalar;
        node.scalar = yaml.Scalar();
        break;
      case YAML::NodeType::Sequence:
        node.kind = ConfigKind::kList;
        for (const YAML::Node& item : yaml) node.items.push_back(convert(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        convert_table(yaml, depth, node);
        break;
      default:
        break;
    }
    return node;
  }

 private:
  SourceLocation location(const YAML::Mark& mark) const {
    if (!lines_ || mark.is_null()) return {name_};
    return {name_, mark.line + 1, mark.column + 1};
  }

  void convert_table(const YAML::Node& yaml, std::size_t depth, ConfigNode& table) {
    table.kind = ConfigKind::kTable;
    std::vector<ConfigNode> merged;
    for (const auto& pair : yaml) {
      const SourceLocation where = location(pair.first.Mark());
      if (!pair.first.IsScalar()) throw UserError(where, "a key must be a plain word");
      const std::string& key = pair.first.Scalar();
      if (const ConfigNode* first = table.find(key))
        throw UserError(where, fmt::format("key '{}' is given twice, first at line {}", key,
                                           first->where.line));
      ConfigNode value = convert(pair.second, depth + 1);
      if (key == "<<") {
        merged.push_back(std::move(value));
      } else {
        table.entries.push_back({key, where, std::move(value)});
      }
    }
    for (ConfigNode& source : merged) merge(source, table);
  }

  // The YAML merge key: entries of `source` (a table or a list of tables) that `table` lacks.
  void merge(ConfigNode& source, ConfigNode& table) {
    if (source.kind == ConfigKind::kList) {
      for (ConfigNode& item : source.items) merge(item, table);
      return;
    }
    if (source.kind != ConfigKind::kTable)
      throw UserError(source.where, "'<<' merges a table: write an alias such as *base");
    for (ConfigEntry& entry : source.entries)
      if (table.find(entry.key) == nullptr) table.entries.push_back(std::move(entry));
  }

  std::string name_;
  bool lines_;
  std::size_t count_ = 0;
};

ConfigNode parse_document(std::string_view text, const std::string& name, bool with_lines) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1)
      throw UserError({name}, "holds more than one YAML document; one is expected");
    if (documents.empty()) return {ConfigKind::kEmpty, {}, {}, {}, {name}};
    return Converter(name, with_lines).convert(documents.front());
  } catch (const YAML::Exception& error) {
    SourceLocation where{name};
    if (with_lines && !error.mark.is_null())
      where = {name, error.mark.line + 1, error.mark.column + 1};
    throw UserError(where, "not valid YAML: " + error.msg);
  }
}

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
  ConfigNode root = parse_document(text, name, true);
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
  if (std::filesystem::is_regular_file(path, status) &&
      std::filesystem::file_size(path, status) > kMaxFileBytes)
    throw UserError({path}, "is larger than 64 MiB; a scenario is a short YAML file");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw UserError({path}, "cannot be read");
  return parse_config(text.str(), path);
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
  *node = parse_document(std::string_view(setting).substr(equals + 1), where.file, false);
  if (node->kind == ConfigKind::kEmpty) throw UserError(where, "has no value after '='");
}

}  // namespace plait
