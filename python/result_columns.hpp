// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file result_columns.hpp
/// Records as columns for NumPy. Only `bytes` and `str` cross the border, which plait/_result.py
/// reads with numpy.frombuffer: the module then does not depend on the layout of NumPy's own
/// structs, which differs between NumPy 1 and 2.

#include <pybind11/pybind11.h>

#include <string>

#include "study/results.hpp"

namespace plait {

/// List of (name, dtype, data): data is `bytes` in machine order, or a list of str where dtype is
/// "str". @param table one of jobs, ranks, ops, messages, flows, links.
pybind11::list result_columns(const Results& results, const std::string& table);

}  // namespace plait
