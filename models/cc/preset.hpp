// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file preset.hpp
/// Named settings of one congestion control: chosen in a scenario, or asked for by name.

#include <string>
#include <string_view>
#include <vector>

#include "sim/error.hpp"
#include "sim/params.hpp"

namespace plait {

template <class Params>
struct Preset {
  Choice choice;
  Params params;
};

/// @param algorithm  for the message. @throws UserError naming all presets and the nearest one.
template <class Params>
Params find_preset(std::string_view algorithm, const std::vector<Preset<Params>>& presets,
                   std::string_view name) {
  std::vector<std::string> names;
  std::string known;
  for (const Preset<Params>& preset : presets) {
    if (preset.choice.name == name) return preset.params;
    names.emplace_back(preset.choice.name);
    known += (known.empty() ? "" : ", ") + names.back();
  }
  throw UserError("unknown " + std::string(algorithm) + " preset '" + std::string(name) +
                  "'; known are " + known + did_you_mean(name, names));
}

/// Visits the key `preset`; a chosen one replaces all of `params`.
template <class Params>
void take_preset(ParamVisitor& visitor, const std::vector<Preset<Params>>& presets,
                 Params& params) {
  std::vector<Choice> choices;
  choices.reserve(presets.size());
  for (const Preset<Params>& preset : presets) choices.push_back(preset.choice);
  const int chosen = visitor.preset(choices);
  if (chosen >= 0) params = presets[static_cast<std::size_t>(chosen)].params;
}

}  // namespace plait
