// SPDX-License-Identifier: Apache-2.0
#include "cli/guarded.hpp"

#include <exception>
#include <iostream>

#include "sim/error.hpp"

namespace plait::cli {

int guarded(const Action& action) {
  try {
    return action();
  } catch (const UserError& error) {
    std::cerr << "error: " << error.what() << "\n";
    return kUserError;
  } catch (const std::bad_alloc&) {
    std::cerr << "error: out of memory; the fabric or the workload is too large\n";
    return kUserError;
  } catch (const std::exception& error) {
    std::cerr << (dynamic_cast<const InternalFault*>(&error) ? "" : "internal fault: ")
              << error.what() << "\nPlease report this.\n";
    return kInternalFault;
  }
}

}  // namespace plait::cli
