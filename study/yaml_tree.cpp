// SPDX-License-Identifier: Apache-2.0
// Built from yaml-cpp's events and not from its nodes: YAML::LoadAll never returns for a text that
// begins with a comma, YAML::Load ignores what follows the first document, and neither limits what
// aliases multiply.
#include "study/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

namespace plait {

namespace {

// Aliases are copied, so a few lines could name billions of nodes; no honest scenario has so many.
constexpr std::size_t kMaxNodes = 1'000'000;

std::size_t count_nodes(const ConfigNode& node) {
  std::size_t count = 1;
  for (const ConfigNode& item : node.items) count += count_nodes(item);
  for (const ConfigEntry& entry : node.entries) count += count_nodes(entry.value);
  return count;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string name, YamlPlaces places) : name_(std::move(name)), places_(places) {}

  ConfigNode take() { return std::move(root_); }
  SourceLocation location(const YAML::Mark& mark) const {
    if (places_ == YamlPlaces::kNone || mark.is_null()) return {name_};
    return {name_, mark.line + 1, mark.column + 1};
  }

  void OnDocumentStart(const YAML::Mark& mark) override { root_.where = location(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish(make(ConfigKind::kEmpty, mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& value) override {
    ConfigNode node = make(ConfigKind::kScalar, mark);
    node.scalar = value;
    finish(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw UserError(location(mark), "an alias stands inside what it repeats");
    count_ += count_nodes(found->second);
    check_count(location(mark));
    finish(found->second, YAML::NullAnchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open_.push_back({make(ConfigKind::kList, mark), anchor, {}, {}});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open_.push_back({make(ConfigKind::kTable, mark), anchor, {}, {}});
  }
  void OnMapEnd() override {
    for (ConfigNode& source : open_.back().merged) merge(source, open_.back().node);
    close();
  }

 private:
  struct Open {
    ConfigNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<ConfigEntry> key;  // of a table: the key whose value comes next
    std::vector<ConfigNode> merged;  // values of `<<`
  };

  ConfigNode make(ConfigKind kind, const YAML::Mark& mark) {
    ++count_;
    check_count(location(mark));
    return {kind, {}, {}, {}, location(mark)};
  }
  void check_count(const SourceLocation& where) const {
    if (count_ > kMaxNodes) throw UserError(where, "too many values");
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.node), done.anchor);
  }

  // A complete node finds its place in the innermost open one.
  void finish(ConfigNode node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().node.kind == ConfigKind::kList) {
      open_.back().node.items.push_back(std::move(node));
    } else if (!open_.back().key) {
      open_key(node);
    } else {
      add_entry(std::move(node));
    }
  }

  void open_key(const ConfigNode& node) {
    if (node.kind != ConfigKind::kScalar) throw UserError(node.where, "a key must be a plain word");
    if (const ConfigNode* first = open_.back().node.find(node.scalar))
      throw UserError(node.where, fmt::format("key '{}' is given twice, first at line {}",
                                              node.scalar, first->where.line));
    open_.back().key = ConfigEntry{node.scalar, node.where, {}};
  }

  void add_entry(ConfigNode value) {
    Open& table = open_.back();
    if (table.key->key == "<<") {
      table.merged.push_back(std::move(value));
    } else {
      table.key->value = std::move(value);
      table.node.entries.push_back(std::move(*table.key));
    }
    table.key.reset();
  }

  // The YAML merge key: entries of `source` (a table or a list of tables) that `table` lacks.
  static void merge(ConfigNode& source, ConfigNode& table) {
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
  YamlPlaces places_;
  ConfigNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;
  std::size_t count_ = 0;
};

}  // namespace

ConfigNode parse_yaml(std::string_view text, const std::string& name, YamlPlaces places) {
  TreeBuilder builder(name, places);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return {ConfigKind::kEmpty, {}, {}, {}, {name}};
    TreeBuilder rest(name, places);
    if (parser.HandleNextDocument(rest))
      throw UserError(rest.take().where, "a second YAML document starts here; one is expected");
  } catch (const YAML::DeepRecursion& error) {  // which yaml-cpp calls a "bad file"
    throw UserError(builder.location(error.mark), "lists and tables inside each other too deeply");
  } catch (const YAML::Exception& error) {
    throw UserError(builder.location(error.mark), "not valid YAML: " + error.msg);
  }
  return builder.take();
}

}  // namespace plait
