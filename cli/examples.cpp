// SPDX-License-Identifier: Apache-2.0
#include "cli/examples.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "sim/error.hpp"

namespace plait::cli {

std::string default_scenario() {
  std::vector<std::string> folders{PLAIT_EXAMPLES_DIR, PLAIT_INSTALLED_EXAMPLES_DIR};
  if (const char* chosen = std::getenv("PLAIT_EXAMPLES")) folders = {chosen};
  for (const std::string& folder : folders) {
    const std::filesystem::path file =
        std::filesystem::path(folder) / "megatron_tp8" / "nvswitch.yaml";
    std::error_code status;
    if (std::filesystem::exists(file, status)) return file.string();
  }
  throw UserError(fmt::format(
      "the built-in example megatron_tp8/nvswitch.yaml is not in {}; name a scenario, or set "
      "PLAIT_EXAMPLES to the folder of the examples",
      fmt::join(folders, " or ")));
}

}  // namespace plait::cli
