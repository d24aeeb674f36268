// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file interrupt.hpp
/// Ctrl-C ends a run between two windows instead of in the middle of something.

namespace plait::cli {

/// From now on the first SIGINT or SIGTERM only sets a flag; a second one ends the program at once.
void catch_interrupts();
bool interrupted();

}  // namespace plait::cli
