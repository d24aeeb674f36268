// SPDX-License-Identifier: Apache-2.0
#include "cli/trace_memory.hpp"

#include <fmt/format.h>

#include <string>

#include "sim/error.hpp"
#include "sim/spill.hpp"

namespace plait::cli {

void add_trace_memory(CLI::App& command) {
  const auto set = [](const std::string& text) {
    try {
      set_spill_budget(parse_bytes(text));
    } catch (const UserError& error) {
      throw CLI::ValidationError("--trace-memory", error.what());
    }
  };
  command
      .add_option_function<std::string>(
          "--trace-memory", set,
          fmt::format("Memory for arrays that grow with the ops of traces; what is beyond lies in "
                      "temporary files in $TMPDIR, else /var/tmp [{}]",
                      to_string(kDefaultSpillBudget)))
      ->type_name("SIZE");
}

}  // namespace plait::cli
