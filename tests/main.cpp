// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/test_folder.hpp"

/// Runs the tests in a folder of their own, so that none leaves files where it was started.
int main(int argc, char* argv[]) {
  const std::filesystem::path before = std::filesystem::current_path();
  const plait::test::TestFolder folder("run");
  std::filesystem::current_path(folder.file(""));
  const int result = Catch::Session().run(argc, argv);
  std::filesystem::current_path(before);
  return result;
}
