// SPDX-License-Identifier: Apache-2.0
#include "cli/output_folder.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "sim/error.hpp"
#include "study/output.hpp"

namespace plait::cli {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(fs::path path, bool force) : path_(std::move(path)) {
  std::error_code status;
  const bool exists = fs::exists(path_, status);
  if (exists && !fs::is_directory(path_, status))
    throw UserError(fmt::format("--out '{}' is not a folder", path_.string()));
  // An unreadable folder is left to check_output_directory, which says why.
  const bool holds_files = exists && !fs::is_empty(path_, status) && !status;
  if (holds_files && !force && !fs::exists(path_ / "summary.json", status))
    throw UserError(fmt::format(
        "--out '{}' holds files that are not Plait's; choose another folder or give --force",
        path_.string()));
  check_output_directory(path_);
  created_ = !exists;
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (created_) fs::remove(path_, ignored);  // does nothing to a folder that is not empty
}

}  // namespace plait::cli
