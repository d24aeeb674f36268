// SPDX-License-Identifier: Apache-2.0
#include "study/output.hpp"

#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "sim/error.hpp"
#include "study/json_output.hpp"
#include "study/sqlite_output.hpp"

namespace plait {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFiles = {"summary.json", "results.sqlite", "performance.json"};

[[noreturn]] void fail(const fs::path& directory, std::string_view reason) {
  throw UserError(fmt::format("cannot write results to '{}': {}", directory.string(), reason));
}

/// A folder beside the final files, on the same disk, removed with what is left in it.
class StagingFolder {
 public:
  explicit StagingFolder(const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) fail(directory, error.message());
    std::string name = (directory / ".partial-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) fail(directory, std::strerror(errno));
    path_ = name;
  }
  ~StagingFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write_text(const fs::path& file, const std::string& text) {
  errno = 0;
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw UserError(std::strerror(errno));
}

}  // namespace

void check_output_directory(const fs::path& directory) {
  const StagingFolder staging(directory);
  try {
    write_text(staging.path() / "probe", "probe");
  } catch (const UserError& error) {
    fail(directory, error.what());
  }
}

void write_results(const Results& results, const fs::path& directory) {
  const StagingFolder staging(directory);
  try {
    write_text(staging.path() / "summary.json", summary_json(results));
    write_text(staging.path() / "performance.json", performance_json(results));
    write_sqlite(results, staging.path() / "results.sqlite");
  } catch (const UserError& error) {
    fail(directory, error.what());
  }
  for (const char* file : kFiles) {
    std::error_code error;
    fs::rename(staging.path() / file, directory / file, error);
    if (error) fail(directory, error.message());
  }
}

}  // namespace plait
