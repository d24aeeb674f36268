// SPDX-License-Identifier: Apache-2.0
#include "study/param_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/error.hpp"

namespace plait {

namespace {

using Choices = std::map<std::string, int>;  // path of a choice -> enumerator taken

struct ChoicePoint {
  std::string path;
  int taken = 0;
  std::vector<std::string> names;
};

// One walk along the declarations with some choices forced.
class Walk final : public ConfigVisitor {
 public:
  explicit Walk(const Choices& forced) : forced_(forced) {}

  std::vector<ListedParam> params;
  std::vector<ChoicePoint> points;

  void field(const ParamInfo& info, Duration& value, Range<Duration> range) override {
    add(info, "duration", "ps ns us ms s min h", to_string(value), span(range));
  }
  void field(const ParamInfo& info, Bytes& value, Range<Bytes> range) override {
    add(info, "size", "B KB MB GB KiB MiB GiB", to_string(value), span(range));
  }
  void field(const ParamInfo& info, BitRate& value, Range<BitRate> range) override {
    add(info, "rate", "bps Mbps Gbps Tbps GB/s", to_string(value), span(range));
  }
  void field(const ParamInfo& info, double& value, Range<double> range) override {
    add(info, "number", "", fmt::format("{}", value),
        fmt::format("{} to {}", range.min, range.max));
  }
  void field(const ParamInfo& info, std::int64_t& value, Range<std::int64_t> range) override {
    add(info, "integer", "", fmt::format("{}", value),
        fmt::format("{} to {}", range.min, range.max));
  }
  void field(const ParamInfo& info, bool& value) override {
    add(info, "boolean", "", value ? "true" : "false", "true, false");
  }
  void field(const ParamInfo& info, std::string& value) override {
    add(info, "text", "", value, "");
  }
  bool begin(const ParamInfo& info) override {
    path_.push_back(path(info.name));
    return true;
  }
  void end() override { path_.pop_back(); }
  int preset(const std::vector<Choice>& presets) override {
    add({"preset", "named set of values, applied before the keys beside it", ""}, "preset", "", "",
        fmt::format("{}", fmt::join(choice_names(presets), ", ")));
    return -1;
  }
  void words(const ParamInfo& info, std::vector<std::string>& value) override {
    add(info, "list", "", fmt::format("[{}]", fmt::join(value, ", ")), "");
  }
  std::size_t begin_list(const ParamInfo& info, std::size_t) override {
    begin(info);
    return 1;
  }
  void begin_item(std::size_t) override { path_.push_back(path("N")); }
  void end_list() override { end(); }
  bool begin_optional(const ParamInfo& info, bool) override { return begin(info); }

 private:
  int choose(const ParamInfo& info, int current, const std::vector<Choice>& choices) override {
    const auto forced = forced_.find(path(info.name));
    const int taken = forced == forced_.end() ? current : forced->second;
    ChoicePoint point{path(info.name), taken, choice_names(choices)};
    add(info, "choice", "", point.names.at(static_cast<std::size_t>(current)),
        fmt::format("{}", fmt::join(point.names, ", ")));
    points.push_back(std::move(point));
    return taken;
  }

  template <class T>
  static std::string span(const Range<T>& range) {
    return to_string(range.min) + " to " + to_string(range.max);
  }
  std::string path(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_.back(), name);
  }
  void add(const ParamInfo& info, const char* type, const char* unit, std::string value,
           std::string range) {
    params.push_back({path(info.name), type, unit, std::move(value), std::move(range),
                      std::string(info.help), std::string(info.source), ""});
  }

  const Choices& forced_;
  std::vector<std::string> path_;
};

// Everything but the condition: one key may mean different things behind different alternatives.
using Identity = std::array<std::string, 6>;
Identity identity(const ListedParam& p) {
  return {p.path, p.type, p.default_value, p.range, p.help, p.source};
}

// The parameters found so far. An ordered index beside the list: there are hundreds of walks with
// hundreds of parameters each.
struct Merged {
  std::list<ListedParam> list;
  std::map<Identity, std::list<ListedParam>::iterator> index;
};

// Inserts what only this walk has, each after its predecessor in the walk, so that the parameters
// of every alternative stand together.
void merge(const std::vector<ListedParam>& walked, const std::string& condition, Merged& all) {
  auto place = all.list.begin();
  for (const ListedParam& param : walked) {
    const auto [known, is_new] = all.index.try_emplace(identity(param));
    if (is_new) {
      known->second = all.list.insert(place, param);
      known->second->only_with = condition;
    }
    place = std::next(known->second);
  }
}

bool contains(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

bool mentions(const ListedParam& param, std::string_view word) {
  const bool named = param.type == "choice" || param.type == "preset";
  return contains(param.path, word) || contains(param.help, word) || contains(param.source, word) ||
         contains(param.only_with, word) || (named && contains(param.range, word));
}

// The alternatives of one choice, each with the parameters that it has.
struct Alternatives {
  ChoicePoint point;
  std::vector<std::set<Identity>> params;
};

std::vector<Alternatives> alternatives_of(
    const std::function<void(ConfigVisitor&)>& describe_default) {
  const Choices none;
  Walk base(none);
  describe_default(base);
  std::vector<Alternatives> all;
  for (const ChoicePoint& point : base.points) {
    Alternatives found{point, {}};
    for (std::size_t i = 0; i < point.names.size(); ++i) {
      const Choices forced{{point.path, static_cast<int>(i)}};
      Walk walk(forced);
      describe_default(walk);
      std::set<Identity>& params = found.params.emplace_back();
      for (const ListedParam& param : walk.params) params.insert(identity(param));
    }
    all.push_back(std::move(found));
  }
  return all;
}

// Names every alternative that has a parameter, where not all have it.
void set_conditions(const std::vector<Alternatives>& choices, std::vector<ListedParam>& params) {
  for (ListedParam& param : params)
    for (const Alternatives& choice : choices) {
      std::vector<std::string> with;
      for (std::size_t i = 0; i < choice.params.size(); ++i)
        if (choice.params[i].contains(identity(param))) with.push_back(choice.point.names[i]);
      if (with.empty() || with.size() == choice.params.size()) continue;
      param.only_with = fmt::format("{} = {}", choice.point.path, fmt::join(with, " or "));
    }
}

}  // namespace

std::vector<ListedParam> list_params(const std::function<void(ConfigVisitor&)>& describe_default) {
  Merged all;
  std::set<Choices> seen{{}};
  std::deque<std::pair<Choices, std::string>> pending{{{}, ""}};
  while (!pending.empty()) {
    const auto [forced, condition] = pending.front();
    pending.pop_front();
    Walk walk(forced);
    describe_default(walk);
    const std::size_t before = all.list.size();
    merge(walk.params, condition, all);
    if (all.list.size() == before) continue;  // the alternative brings nothing of its own
    for (const ChoicePoint& point : walk.points)
      for (std::size_t i = 0; i < point.names.size(); ++i) {
        // Alternatives are opened one at a time, from the point nearest to the defaults.
        if (static_cast<int>(i) == point.taken || forced.contains(point.path)) continue;
        Choices next = forced;
        next[point.path] = static_cast<int>(i);
        if (seen.insert(next).second)
          pending.emplace_back(next, point.path + " = " + point.names[i]);
      }
  }
  std::vector<ListedParam> params(all.list.begin(), all.list.end());
  set_conditions(alternatives_of(describe_default), params);
  return params;
}

std::vector<ListedParam> filter_params(const std::vector<ListedParam>& params,
                                       const std::string& filter) {
  if (filter.empty()) return params;
  std::vector<ListedParam> chosen;
  for (const ListedParam& param : params)
    if (param.path == filter || param.path.starts_with(filter + ".")) chosen.push_back(param);
  if (!chosen.empty()) return chosen;
  for (const ListedParam& param : params)
    if (mentions(param, filter)) chosen.push_back(param);
  if (!chosen.empty()) return chosen;
  std::vector<std::string> names;
  for (const ListedParam& param : params) {
    names.push_back(param.path);
    names.push_back(param.path.substr(param.path.rfind('.') + 1));
  }
  throw UserError(fmt::format("no parameter has '{}' in its path, help, choices or source{}",
                              filter, did_you_mean(filter, names)));
}

std::string params_table(const std::vector<ListedParam>& params) {
  std::size_t path = 4, type = 4, value = 7, range = 5;
  for (const ListedParam& param : params) {
    path = std::max(path, param.path.size());
    type = std::max(type, param.type.size());
    value = std::max(value, param.default_value.size());
    range = std::max(range, std::min<std::size_t>(param.range.size(), 40));
  }
  const auto row = [&](std::string_view a, std::string_view b, std::string_view c,
                       std::string_view d, std::string_view e) {
    return fmt::format("{:{}}  {:{}}  {:{}}  {:{}}  {}\n", a, path, b, type, c, value, d, range, e);
  };
  std::string text = row("path", "type", "default", "range", "help [source]");
  for (const ListedParam& param : params) {
    std::string help = param.help;
    if (!param.source.empty()) help += " [" + param.source + "]";
    if (!param.only_with.empty()) help += " (with " + param.only_with + ")";
    text += row(param.path, param.type, param.default_value, param.range, help);
  }
  return text;
}

std::string params_json(const std::vector<ListedParam>& params) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ListedParam& param : params)
    list.push_back({{"path", param.path},
                    {"type", param.type},
                    {"unit", param.unit},
                    {"default", param.default_value},
                    {"range", param.range},
                    {"help", param.help},
                    {"source", param.source},
                    {"only_with", param.only_with}});
  return list.dump(2) + "\n";
}

}  // namespace plait
