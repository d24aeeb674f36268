// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file output_folder.hpp
/// The folder of `--out`: proved usable before a run starts, left as it was if the run fails.

#include <filesystem>

namespace plait::cli {

class OutputFolder {
 public:
  /// @throws UserError if results cannot be written there, or if it holds files but none of an
  /// earlier run, unless `force`.
  OutputFolder(std::filesystem::path path, bool force);
  /// Removes the folder again if this object created it and nothing was kept in it.
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool created_ = false;
};

}  // namespace plait::cli
