// SPDX-License-Identifier: Apache-2.0
// JSON traces, element by element, over nlohmann's SAX parser.
#include <fmt/format.h>

#include <cmath>
#include <istream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "sim/error.hpp"
#include "workloads/trace_input.hpp"

namespace plait {

namespace {

using Json = nlohmann::json;

/// Builds the value at hand; on level 1 (a member of the object) or, inside an array of level 1,
/// level 2 it is handed out and forgotten.
class ElementReader : public nlohmann::json_sax<Json> {
 public:
  using Take = std::function<bool(const std::string&)>;
  using Visit = std::function<void(const std::string&, const Json&, std::uint64_t)>;

  ElementReader(TraceInput& input, const Take& take, const Visit& visit)
      : input_(input), take_(take), visit_(visit) {}

  bool null() override { return value(nullptr); }
  bool boolean(bool v) override { return value(v); }
  bool number_integer(number_integer_t v) override { return value(v); }
  bool number_unsigned(number_unsigned_t v) override { return value(v); }
  bool number_float(number_float_t v, const string_t& text) override {
    // From 2^43 on, neighbouring doubles are more than a thousandth apart.
    constexpr double kExactToThousandth = 8796093022208.0;
    if (std::abs(v) >= kExactToThousandth) return value(text);
    return value(v);
  }
  bool string(string_t& v) override { return value(std::move(v)); }
  bool binary(binary_t&) override { return true; }

  bool start_object(std::size_t) override {
    if (depth_ == 0) {
      ++depth_;
      return progress();
    }
    return open(Json::object());
  }
  bool end_object() override { return close(); }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      top_key_ = std::move(name);
      wanted_ = take_(top_key_);
    } else {
      keys_.back() = std::move(name);
    }
    return progress();
  }
  bool start_array(std::size_t) override {
    if (depth_ == 1 && !in_top_array_) {
      in_top_array_ = true;
      return progress();
    }
    return open(Json::array());
  }
  bool end_array() override {
    if (depth_ == 1) {
      in_top_array_ = false;
      return progress();
    }
    return close();
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    // nlohmann's text begins with its own error number and place.
    const std::string text = error.what();
    const std::size_t place = text.find("column");
    const std::size_t colon = text.find(": ", place == std::string::npos ? 0 : place);
    fail("not JSON: " + (colon == std::string::npos ? text : text.substr(colon + 2)));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(fmt::format("{}: byte {}: {}", input_.name(), input_.offset(), what));
  }

  /// Called with every token, so that one endless element does not fill the memory.
  bool progress() {
    constexpr std::uint64_t kLongestElement = std::uint64_t{64} << 20;
    if (open_.empty()) element_start_ = input_.offset();
    input_.stop_at((wanted_ ? element_start_ : input_.offset()) + kLongestElement,
                   "an element of more than 64 MiB; is this a trace?");
    return true;
  }

  bool value(Json v) {
    if (depth_ == 0) fail("a trace is a JSON object, {...}");
    if (open_.empty()) {
      if (wanted_) visit_(top_key_, v, element_start_);
    } else if (wanted_) {
      insert(std::move(v));
    }
    return progress();
  }

  Json* insert(Json v) {
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(v));
      return &parent.back();
    }
    Json& member = parent[keys_.back()];
    member = std::move(v);
    return &member;
  }

  bool open(Json empty) {
    constexpr std::size_t kDeepest = 64;
    if (depth_ == 0) fail("a trace is a JSON object, {...}");
    if (open_.size() == kDeepest) fail("nested deeper than 64; is this a trace?");
    if (open_.empty()) {
      element_ = std::move(empty);
      open_.push_back(&element_);
    } else {
      // What is not wanted is not kept, only its nesting.
      open_.push_back(wanted_ ? insert(std::move(empty)) : &element_);
    }
    keys_.emplace_back();
    ++depth_;
    return progress();
  }

  bool close() {
    --depth_;
    if (depth_ == 0) return progress();
    open_.pop_back();
    keys_.pop_back();
    if (open_.empty()) {
      if (wanted_) visit_(top_key_, element_, element_start_);
      element_ = nullptr;
    }
    return progress();
  }

  TraceInput& input_;
  const Take& take_;
  const Visit& visit_;
  std::size_t depth_ = 0;
  bool in_top_array_ = false;
  bool wanted_ = false;
  std::string top_key_;
  Json element_;
  std::vector<Json*> open_;  ///< The containers around the next value, inside element_.
  std::vector<std::string> keys_;
  std::uint64_t element_start_ = 0;
};

}  // namespace

bool begins_json_object(std::string_view start) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t brace = start.find_first_not_of(kSpace);
  if (brace == std::string_view::npos || start[brace] != '{') return false;
  const std::size_t next = start.find_first_not_of(kSpace, brace + 1);
  return next == std::string_view::npos || start[next] == '"' || start[next] == '}';
}

void for_each_json_value(
    TraceInput& input, const std::function<bool(const std::string& key)>& take,
    const std::function<void(const std::string& key, const nlohmann::json& value,
                             std::uint64_t offset)>& visit) {
  if (input.peek(1).empty()) throw UserError(fmt::format("{}: the file is empty", input.name()));
  ElementReader reader(input, take, visit);
  std::istream stream(&input);
  stream.exceptions(std::ios::badbit);
  Json::sax_parse(stream, &reader);
}

}  // namespace plait
