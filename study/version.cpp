// SPDX-License-Identifier: Apache-2.0
#include "study/version.hpp"

namespace plait {

std::string_view version() { return PLAIT_VERSION; }

}  // namespace plait
