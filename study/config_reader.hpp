// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file config_reader.hpp
/// Reads parameter structs from a ConfigNode tree, strictly: a key that is not declared, a value of
/// the wrong type, without its unit or out of range is a UserError `file:line:column: path: ...`
/// that says what is legal. Keeps what `plait validate` shows: every value in force and its origin.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "study/config_node.hpp"
#include "study/config_visitor.hpp"

namespace plait {

/// One line of the resolved scenario, in the order of declaration.
struct ResolvedLine {
  enum class Kind : std::uint8_t { kValue, kTable, kList, kItem } kind = Kind::kValue;
  std::size_t depth = 0;
  std::string path;  ///< "fabric.switch.ecn.k_min"; "jobs.0" for an item.
  std::string key;
  std::string value;   ///< As YAML; of a kValue, or "[]" of an empty kList.
  std::string origin;  ///< "FILE:LINE", "preset NAME", "default", "from PATH" or "--set".
};

class ConfigReader final : public ConfigVisitor {
 public:
  /// @param root must outlive the reader.
  /// @param without_presets the same reading with preset keys left unapplied, so that a second
  ///        reader can tell what a preset changed.
  explicit ConfigReader(const ConfigNode& root, bool without_presets = false);
  /// Reads with the origin "preset NAME" wherever the value differs from that of `plain`.
  ConfigReader(const ConfigNode& root, const ConfigReader& plain);

  /// To be called once after describe(): refuses unknown keys at the root.
  void finish();

  const std::vector<ResolvedLine>& lines() const { return lines_; }
  /// Where each given value stands, by path.
  const std::map<std::string, SourceLocation>& locations() const { return locations_; }

  void field(const ParamInfo&, Duration& value, Range<Duration>) override;
  void field(const ParamInfo&, Bytes& value, Range<Bytes>) override;
  void field(const ParamInfo&, BitRate& value, Range<BitRate>) override;
  void field(const ParamInfo&, double& value, Range<double>) override;
  void field(const ParamInfo&, std::int64_t& value, Range<std::int64_t>) override;
  void field(const ParamInfo&, bool& value) override;
  void field(const ParamInfo&, std::string& value) override;
  bool begin(const ParamInfo& info) override;
  void end() override;
  int preset(const std::vector<Choice>& presets) override;
  void words(const ParamInfo& info, std::vector<std::string>& value) override;
  std::size_t begin_list(const ParamInfo& info, std::size_t size) override;
  void begin_item(std::size_t index) override;
  void end_list() override;
  bool begin_optional(const ParamInfo& info, bool in_hand) override;

 private:
  struct Frame {
    const ConfigNode* node = nullptr;  // null: the table is not given
    std::string path;
    std::vector<std::string> legal;    // keys declared so far
    std::string preset;                // name of the preset in force, or empty
    const ConfigNode* word = nullptr;  // given where a table is expected
  };

  int choose(const ParamInfo& info, int current, const std::vector<Choice>& choices) override;

  std::string path_of(std::string_view name) const;
  const ConfigNode* find(std::string_view name);
  const ConfigNode* find_scalar(std::string_view name, std::string_view what);
  template <class T, class Parse, class Print>
  void read(const ParamInfo& info, T& value, std::string_view what, Parse parse, Print print,
            const Range<T>* range);
  void push(const ConfigNode* node, std::string path);
  void check_keys(const Frame& frame) const;
  /// A word where a table is expected may be the value of `key`: then the message says so.
  void check_word(std::string_view key, const std::vector<std::string>& names) const;
  void add_value(std::string_view name, const std::string& in_hand, const std::string& value,
                 const ConfigNode* given);
  void add_line(ResolvedLine::Kind kind, std::string_view key, const std::string& path);

  bool without_presets_ = false;
  const ConfigReader* plain_ = nullptr;
  std::vector<Frame> frames_;
  std::vector<ResolvedLine> lines_;
  std::map<std::string, SourceLocation> locations_;
  std::map<std::string, std::string> in_hand_;  // value before reading, by path
};

/// `text` as a YAML scalar, quoted if it has to be.
std::string yaml_scalar(const std::string& text);

}  // namespace plait
