// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file trace_memory.hpp
/// The option --trace-memory of the commands that read traces (sim/spill.hpp, docs/traces.md).

#include <CLI/CLI.hpp>

namespace plait::cli {

void add_trace_memory(CLI::App& command);

}  // namespace plait::cli
