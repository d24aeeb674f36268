// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file report.hpp
/// The results as text for a terminal of 100 columns. Sections without content are left out.

#include <string>

#include "study/results.hpp"

namespace plait {

/// Everything but the wall-clock figures: equal for any number of threads.
std::string report(const Results& results);

/// Wall time, packet-hops per second and memory; one line without its end.
std::string performance_line(const Results& results);

}  // namespace plait
