// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file sqlite_output.hpp
/// Every record of a run as one SQLite file; docs/results.md describes the tables.

#include <filesystem>

#include "study/results.hpp"

namespace plait {

/// Writes `file` in one transaction. Equal results give equal bytes. The file is complete only when
/// this returns: it is written without a journal, so write to a temporary name and rename.
/// @pre `file` does not exist. @throws UserError with SQLite's reason if it cannot be written.
void write_sqlite(const Results& results, const std::filesystem::path& file);

}  // namespace plait
