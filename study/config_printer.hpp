// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file config_printer.hpp
/// The resolved scenario as YAML that reads back to the same scenario, each value with its origin
/// as a comment.

#include <string>
#include <vector>

#include "study/config_reader.hpp"

namespace plait {

std::string print_resolved(const std::vector<ResolvedLine>& lines, bool origins = true);

}  // namespace plait
