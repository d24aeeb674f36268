// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file text_file.hpp
/// Writing one file, whole or not at all.

#include <functional>
#include <ostream>
#include <string>

namespace plait::cli {

/// Lets `write` fill a temporary file beside `file` and renames it. "-" is standard output.
/// @throws UserError with the reason.
void write_text_file(const std::string& file, const std::function<void(std::ostream&)>& write);

}  // namespace plait::cli
