// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file test_folder.hpp
/// A folder of a test's own among the temporary files.

#include <unistd.h>

#include <filesystem>
#include <string>

namespace plait::test {

/// Empty at first, removed at the end of the test. Tests that run at the same time have their own.
class TestFolder {
 public:
  explicit TestFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("plait_" + name + "_" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace plait::test
