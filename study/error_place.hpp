// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file error_place.hpp
/// Tells the user where in the scenario a mistake is that was found while building.

#include <fmt/format.h>

#include <string>

#include "sim/error.hpp"
#include "study/scenario.hpp"

namespace plait {

/// Runs `action` and puts the place of scenario value `path` before the text of a UserError.
template <class Action>
auto at(const Scenario& scenario, const std::string& path, Action action) {
  try {
    return action();
  } catch (const UserError& error) {
    throw UserError(scenario.where(path), fmt::format("{}: {}", path, error.what()));
  }
}

}  // namespace plait
