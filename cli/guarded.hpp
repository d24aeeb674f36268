// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file guarded.hpp
/// What becomes of exceptions in a program.

#include "cli/commands.hpp"

namespace plait::cli {

/// Runs the action; every exception becomes one message on standard error and one exit code.
int guarded(const Action& action);

}  // namespace plait::cli
