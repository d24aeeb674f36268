// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file output.hpp
/// The files of a run: summary.json, results.sqlite (equal bytes for any number of threads) and
/// performance.json (wall-clock figures).

#include <filesystem>

#include "study/results.hpp"

namespace plait {

/// Creates `directory` if needed and proves that a file can be written there, so that a long run
/// does not end at a full or read-only disk. @throws UserError naming the folder and the reason.
void check_output_directory(const std::filesystem::path& directory);

/// Writes all files under a temporary name in `directory` (created if needed) and renames them at
/// the end, so that a reader never sees half of one. Files of an earlier run are replaced.
/// @throws UserError naming the folder and the reason; nothing is replaced then.
void write_results(const Results& results, const std::filesystem::path& directory);

}  // namespace plait
