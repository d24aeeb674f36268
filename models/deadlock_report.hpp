// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file deadlock_report.hpp
/// Says who waits for what when nothing more can happen although ranks have not finished.

#include <span>
#include <string>

#include "models/rank.hpp"

namespace plait {

/// @param ranks all ranks of one job, by rank.
/// @return empty if all ranks have finished; else lines without a final newline, at most 12: how
/// many ranks are stuck; per stuck collective call who has joined it and who not; per stuck receive
/// or send who waits for whom; then a count of what was left out.
std::string deadlock_report(std::span<const Rank* const> ranks);

}  // namespace plait
