// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file storage_report.hpp
/// What the report says of storage: rates of operations, and what each server did.

#include <string>

#include "study/results.hpp"

namespace plait {

/// One line for the operations of one class, which the report calls `name`.
std::string storage_totals(const std::string& name, const RequestSummary& line);

/// A table of the servers; empty if there are none.
std::string storage_servers_section(const Results& results);

}  // namespace plait
