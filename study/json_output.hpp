// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file json_output.hpp
/// The two JSON files of a run; docs/results.md lists the keys. Every number has its unit in its
/// key, keys have a fixed order, and numbers are the shortest text that reads back to them.

#include <string>

#include "study/results.hpp"

namespace plait {

/// summary.json: equal bytes for any number of threads.
std::string summary_json(const Results& results);

/// performance.json: the wall-clock figures.
std::string performance_json(const Results& results);

}  // namespace plait
