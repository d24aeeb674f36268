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

/// Where the wall time went, by phase and kind of work: hosts are NICs and scale-up networks, ranks
/// whatever runs on GPUs and what it posts, the engine also waiting at its barrier. One line
/// without its end; empty where that was not measured.
std::string timing_line(const Results& results);

}  // namespace plait
