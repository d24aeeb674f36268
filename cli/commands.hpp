// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file commands.hpp
/// The commands of the program. Each adds itself to the command line and leaves its action in the
/// Action that the program runs after parsing; an action returns the exit code.

#include <CLI/CLI.hpp>
#include <functional>

namespace plait::cli {

constexpr int kOk = 0;
constexpr int kUserError = 1;
constexpr int kUsage = 2;
constexpr int kDeadlock = 3;
constexpr int kInternalFault = 70;  // EX_SOFTWARE
constexpr int kInterrupted = 130;   // 128 + SIGINT, as shells report it

using Action = std::function<int()>;

void add_run_command(CLI::App& app, Action& action);
void add_validate_command(CLI::App& app, Action& action);
void add_interference_command(CLI::App& app, Action& action);
void add_topo_command(CLI::App& app, Action& action);
void add_trace_command(CLI::App& app, Action& action);
/// Under the command `trace`.
void add_generate_command(CLI::App& trace, Action& action);
void add_params_command(CLI::App& app, Action& action);

}  // namespace plait::cli
