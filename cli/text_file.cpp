// SPDX-License-Identifier: Apache-2.0
#include "cli/text_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "sim/error.hpp"

namespace plait::cli {

void write_text_file(const std::string& file, const std::function<void(std::ostream&)>& write) {
  if (file == "-") return write(std::cout);
  const std::string partial = file + ".partial";
  errno = 0;
  std::ofstream out(partial, std::ios::binary);
  if (out) write(out);
  out.close();
  if (!out) throw UserError(fmt::format("cannot write '{}': {}", file, std::strerror(errno)));
  std::error_code status;
  std::filesystem::rename(partial, file, status);
  if (status) throw UserError(fmt::format("cannot write '{}': {}", file, status.message()));
}

}  // namespace plait::cli
