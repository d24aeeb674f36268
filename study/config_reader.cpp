// SPDX-License-Identifier: Apache-2.0
#include "study/config_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/check.hpp"

namespace plait {

ConfigReader::ConfigReader(const ConfigNode& root, bool without_presets)
    : without_presets_(without_presets) {
  push(&root, "");
}

ConfigReader::ConfigReader(const ConfigNode& root, const ConfigReader& plain) : plain_(&plain) {
  push(&root, "");
}

void ConfigReader::finish() {
  PLAIT_CHECK_EQ(frames_.size(), std::size_t{1});
  check_keys(frames_.back());
}

void ConfigReader::push(const ConfigNode* node, std::string path) {
  // What a word may mean is known once the keys are declared.
  const bool word = node != nullptr && node->kind == ConfigKind::kScalar;
  if (node != nullptr && node->kind != ConfigKind::kTable && !word)
    throw UserError(node->where, fmt::format("{}: expected a table of 'key: value'", path));
  frames_.push_back({word ? nullptr : node, std::move(path), {}, {}, word ? node : nullptr});
}

void ConfigReader::check_word(std::string_view key, const std::vector<std::string>& names) const {
  const Frame& frame = frames_.back();
  if (frame.word == nullptr ||
      std::find(names.begin(), names.end(), frame.word->scalar) == names.end())
    return;
  throw UserError(frame.word->where,
                  fmt::format("{}: expected a table of 'key: value'; write {{{}: {}}}", frame.path,
                              key, frame.word->scalar));
}

void ConfigReader::check_keys(const Frame& frame) const {
  if (frame.word != nullptr)
    throw UserError(frame.word->where,
                    fmt::format("{}: expected a table of 'key: value'", frame.path));
  if (frame.node == nullptr) return;
  for (const ConfigEntry& entry : frame.node->entries) {
    if (std::find(frame.legal.begin(), frame.legal.end(), entry.key) != frame.legal.end()) continue;
    const std::string path = frame.path.empty() ? entry.key : frame.path + "." + entry.key;
    std::string hint = did_you_mean(entry.key, frame.legal);
    if (hint.empty()) hint = ";";
    throw UserError(entry.key_where, fmt::format("{}: unknown key{} legal keys here: {}", path,
                                                 hint, fmt::join(frame.legal, ", ")));
  }
}

std::string ConfigReader::path_of(std::string_view name) const {
  const std::string& path = frames_.back().path;
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

const ConfigNode* ConfigReader::find(std::string_view name) {
  Frame& frame = frames_.back();
  frame.legal.emplace_back(name);
  const ConfigNode* node = frame.node == nullptr ? nullptr : frame.node->find(name);
  if (node != nullptr) locations_[path_of(name)] = node->where;
  return node;
}

const ConfigNode* ConfigReader::find_scalar(std::string_view name, std::string_view what) {
  const ConfigNode* node = find(name);
  if (node == nullptr || node->kind == ConfigKind::kScalar) return node;
  const char* found = node->kind == ConfigKind::kEmpty   ? "there is nothing"
                      : node->kind == ConfigKind::kTable ? "found a table"
                                                         : "found a list";
  throw UserError(node->where, fmt::format("{}: expected {}, {}", path_of(name), what, found));
}

bool ConfigReader::begin(const ParamInfo& info) {
  const ConfigNode* node = find(info.name);
  const std::string path = path_of(info.name);
  add_line(ResolvedLine::Kind::kTable, info.name, path);
  push(node, path);
  return true;
}

void ConfigReader::end() {
  check_keys(frames_.back());
  frames_.pop_back();
}

std::size_t ConfigReader::begin_list(const ParamInfo& info, std::size_t size) {
  const ConfigNode* node = find(info.name);
  const std::string path = path_of(info.name);
  if (node != nullptr && node->kind != ConfigKind::kList)
    throw UserError(node->where,
                    fmt::format("{}: expected a list, one '- key: value ...' per item", path));
  add_line(ResolvedLine::Kind::kList, info.name, path);
  frames_.push_back({node, path, {}, {}, nullptr});
  const std::size_t items = node == nullptr ? size : node->items.size();
  if (items == 0) lines_.back().value = "[]";
  return items;
}

void ConfigReader::begin_item(std::size_t index) {
  const ConfigNode* list = frames_.back().node;
  const std::string path = path_of(std::to_string(index));
  const ConfigNode* item = list == nullptr ? nullptr : &list->items[index];
  add_line(ResolvedLine::Kind::kItem, "", path);
  if (item != nullptr) locations_[path] = item->where;
  push(item, path);
}

void ConfigReader::end_list() { frames_.pop_back(); }

bool ConfigReader::begin_optional(const ParamInfo& info, bool in_hand) {
  const Frame& frame = frames_.back();
  const bool given = frame.node != nullptr && frame.node->find(info.name) != nullptr;
  if (given || in_hand) return begin(info);
  frames_.back().legal.emplace_back(info.name);
  return false;
}

void ConfigReader::add_line(ResolvedLine::Kind kind, std::string_view key,
                            const std::string& path) {
  lines_.push_back({kind, frames_.size() - 1, path, std::string(key), {}, {}});
}

void ConfigReader::add_value(std::string_view name, const std::string& in_hand,
                             const std::string& value, const ConfigNode* given) {
  const std::string path = path_of(name);
  add_line(ResolvedLine::Kind::kValue, name, path);
  lines_.back().value = value;
  in_hand_[path] = in_hand;
  std::string& origin = lines_.back().origin;
  if (given != nullptr) {
    const SourceLocation& where = given->where;
    origin = where.line == 0 ? where.file.substr(0, where.file.find(' '))
                             : fmt::format("{}:{}", where.file, where.line);
    return;
  }
  origin = "default";
  if (plain_ == nullptr) return;
  const auto plain = plain_->in_hand_.find(path);
  if (plain != plain_->in_hand_.end() && plain->second == in_hand) return;
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame)
    if (!frame->preset.empty()) {
      origin = "preset " + frame->preset;
      return;
    }
}

}  // namespace plait
