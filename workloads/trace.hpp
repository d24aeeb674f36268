// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file trace.hpp
/// Traces of every format as workloads. Formats, conventions and deviations: docs/traces.md.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/op_graph.hpp"
#include "workloads/trace_problems.hpp"

namespace plait {

enum class TraceFormat : std::uint8_t {
  kAuto,     ///< Told by the file's name and first bytes.
  kChakra,   ///< MLCommons Chakra, protobuf or JSON, a file per rank.
  kGoal,     ///< GOAL of LogGOPSim, text or binary, one file.
  kSimai,    ///< Workload text of SimAI and AICB, one file.
  kPytorch,  ///< PyTorch profiler (Kineto JSON), a file per rank.
};

std::string_view to_string(TraceFormat format);

struct TraceOptions {
  TraceFormat format = TraceFormat::kAuto;
  /// JSON file with the process groups, {"name": [rank, ...]}; empty = from the traces.
  std::filesystem::path group_file;
  /// Number of ranks; without it, as many as the trace has.
  std::optional<std::uint32_t> ranks;
  /// Of a profiler's trace with several steps, the number of the one to replay; empty: all of it.
  std::string step;
  /// What can be repaired (dependencies on the op itself, on ops that do not exist, in cycles) is
  /// an error. Off: it is dropped and counted in a warning.
  bool strict = false;
};

/// The format of `file` (one rank's, if there are several) by its name and its first bytes.
/// @throws UserError if it is none of them, naming what was tried.
TraceFormat detect_trace_format(const std::filesystem::path& file);

/// Formats that load_trace() reads, kAuto first.
std::vector<TraceFormat> readable_trace_formats();

/// Whether `file` is a trace of a format with one file for all ranks. False also if it is no file.
bool is_one_file_trace(const std::string& file);

/// @param pattern file name; of formats with a file per rank, with "{rank}" in place of the rank's
/// number, as in "dir/meg.{rank}.et.gz".
/// @param warnings if not null, gets one line per file in which something was repaired.
/// @throws UserError naming the file, and the place in it where there is one.
Workload load_trace(const std::string& pattern, const TraceOptions& options = {},
                    std::vector<std::string>* warnings = nullptr);

/// What is wrong with a trace.
struct TraceCheck {
  TraceProblems problems;
  std::vector<std::string> warnings;
  std::uint64_t ranks = 0;
  std::uint64_t ops = 0;
  std::uint64_t isolated = 0;  ///< Ops that depend on nothing and on which nothing depends.
  bool runs = false;           ///< All that is wrong can be repaired, and `options` allow it.
};

/// Reads all of a trace, however broken, and collects its problems. Throws only what prevents a
/// start, such as a pattern without files.
TraceCheck check_trace(const std::string& pattern, const TraceOptions& options = {});

}  // namespace plait
