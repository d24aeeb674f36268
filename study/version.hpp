// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file version.hpp
/// The version of Plait, as set by the build.

#include <string_view>

namespace plait {

/// For example "0.1.0".
std::string_view version();

}  // namespace plait
