// SPDX-License-Identifier: Apache-2.0
// What ConfigReader makes of the values: numbers with their units, words, presets; their ranges.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "study/config_reader.hpp"

namespace plait {

namespace {

template <class T>
T parse_number(std::string_view text, std::string_view what) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [rest, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || rest != end)
    throw UserError(fmt::format("'{}' is not {}", text, what));
  if constexpr (std::is_floating_point_v<T>)
    if (!std::isfinite(value)) throw UserError(fmt::format("'{}' is not {}", text, what));
  return value;
}

bool parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  throw UserError(fmt::format("'{}' is not true or false", text));
}

std::string print_number(double value) { return fmt::format("{}", value); }
std::string print_integer(std::int64_t value) { return fmt::format("{}", value); }

template <class T>
std::string print_unit(T value) {
  return to_string(value);
}

}  // namespace

std::vector<std::string> choice_names(const std::vector<Choice>& choices) {
  std::vector<std::string> names;
  names.reserve(choices.size());
  for (const Choice& choice : choices) names.emplace_back(choice.name);
  return names;
}

std::string yaml_scalar(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '.' || c == '/' || c == '-' || c == '+';
  };
  if (!text.empty() && text != "~" && text != "null" && text[0] != '-' &&
      std::all_of(text.begin(), text.end(), plain))
    return text;
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

template <class T, class Parse, class Print>
void ConfigReader::read(const ParamInfo& info, T& value, std::string_view what, Parse parse,
                        Print print, const Range<T>* range) {
  const std::string in_hand = print(value);
  const ConfigNode* node = find_scalar(info.name, what);
  if (node != nullptr) {
    try {
      value = parse(node->scalar);
    } catch (const UserError& error) {
      throw UserError(node->where, fmt::format("{}: {}", path_of(info.name), error.what()));
    }
    if (range != nullptr && (value < range->min || value > range->max))
      throw UserError(node->where,
                      fmt::format("{}: {} is out of range; legal is {} to {}", path_of(info.name),
                                  node->scalar, print(range->min), print(range->max)));
  }
  add_value(info.name, in_hand, print(value), node);
}

void ConfigReader::field(const ParamInfo& info, Duration& value, Range<Duration> range) {
  read(info, value, "a duration such as 1.5us", parse_duration, print_unit<Duration>, &range);
}
void ConfigReader::field(const ParamInfo& info, Bytes& value, Range<Bytes> range) {
  read(info, value, "a size such as 64KiB", parse_bytes, print_unit<Bytes>, &range);
}
void ConfigReader::field(const ParamInfo& info, BitRate& value, Range<BitRate> range) {
  read(info, value, "a rate such as 400Gbps", parse_rate, print_unit<BitRate>, &range);
}
void ConfigReader::field(const ParamInfo& info, double& value, Range<double> range) {
  const auto parse = [](std::string_view text) { return parse_number<double>(text, "a number"); };
  read(info, value, "a number", parse, print_number, &range);
}
void ConfigReader::field(const ParamInfo& info, std::int64_t& value, Range<std::int64_t> range) {
  const auto parse = [](std::string_view text) {
    return parse_number<std::int64_t>(text, "a whole number");
  };
  read(info, value, "a whole number", parse, print_integer, &range);
}
void ConfigReader::field(const ParamInfo& info, bool& value) {
  const auto print = [](bool v) { return std::string(v ? "true" : "false"); };
  read<bool>(info, value, "true or false", parse_bool, print, nullptr);
}
void ConfigReader::field(const ParamInfo& info, std::string& value) {
  const auto parse = [](const std::string& text) { return text; };
  read<std::string>(info, value, "text", parse, yaml_scalar, nullptr);
}

int ConfigReader::choose(const ParamInfo& info, int current, const std::vector<Choice>& choices) {
  const std::vector<std::string> names = choice_names(choices);
  check_word(info.name, names);
  const auto parse = [&](const std::string& text) {
    const auto it = std::find(names.begin(), names.end(), text);
    if (it == names.end())
      throw UserError(
          fmt::format("there is no '{}'{} legal: {}", text,
                      nearest_name(text, names).empty() ? ";" : did_you_mean(text, names),
                      fmt::join(names, ", ")));
    return static_cast<int>(it - names.begin());
  };
  const auto print = [&](int value) { return names.at(static_cast<std::size_t>(value)); };
  read<int>(info, current, fmt::format("one of: {}", fmt::join(names, ", ")), parse, print,
            nullptr);
  return current;
}

int ConfigReader::preset(const std::vector<Choice>& presets) {
  const std::vector<std::string> names = choice_names(presets);
  const std::string what = fmt::format("a preset, one of: {}", fmt::join(names, ", "));
  check_word("preset", names);
  const ConfigNode* node = find_scalar("preset", what);
  if (node == nullptr) return -1;
  const auto it = std::find(names.begin(), names.end(), node->scalar);
  if (it == names.end())
    throw UserError(
        node->where,
        fmt::format(
            "{}: there is no preset '{}'{} legal: {}", path_of("preset"), node->scalar,
            nearest_name(node->scalar, names).empty() ? ";" : did_you_mean(node->scalar, names),
            fmt::join(names, ", ")));
  add_value("preset", *it, *it, node);
  if (without_presets_) return -1;
  frames_.back().preset = *it;
  return static_cast<int>(it - names.begin());
}

void ConfigReader::words(const ParamInfo& info, std::vector<std::string>& value) {
  const auto print = [](const std::vector<std::string>& words) {
    std::vector<std::string> scalars;
    scalars.reserve(words.size());
    for (const std::string& word : words) scalars.push_back(yaml_scalar(word));
    return fmt::format("[{}]", fmt::join(scalars, ", "));
  };
  const std::string in_hand = print(value);
  const ConfigNode* node = find(info.name);
  if (node != nullptr) {
    if (node->kind != ConfigKind::kList)
      throw UserError(node->where, fmt::format("{}: expected a list of words, such as [a, b]",
                                               path_of(info.name)));
    value.clear();
    for (const ConfigNode& item : node->items) {
      if (item.kind != ConfigKind::kScalar)
        throw UserError(item.where, fmt::format("{}: item {} is not a word; expected a list such "
                                                "as [a, b]",
                                                path_of(info.name), value.size() + 1));
      value.push_back(item.scalar);
    }
  }
  add_value(info.name, in_hand, print(value), node);
}

}  // namespace plait
