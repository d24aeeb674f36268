// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file examples.hpp
/// Where the examples that come with Plait are.

#include <string>

namespace plait::cli {

/// Scenario of `plait run` without one: the recorded Megatron-LM step on one NVSwitch host. Looked
/// for in $PLAIT_EXAMPLES, the source tree of the build, the install prefix.
/// @throws UserError naming where it was looked for.
std::string default_scenario();

}  // namespace plait::cli
