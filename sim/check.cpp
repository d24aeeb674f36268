// SPDX-License-Identifier: Apache-2.0
#include "sim/check.hpp"

#include "sim/error.hpp"

namespace plait::detail {

void check_failed(const char* file, int line, const char* expression, const std::string& values) {
  throw InternalFault("internal fault at " + std::string(file) + ":" + std::to_string(line) +
                      ": check '" + expression + "' failed: " + values);
}

}  // namespace plait::detail
