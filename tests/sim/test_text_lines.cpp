// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "sim/text_lines.hpp"

namespace plait {
namespace {

using Catch::Matchers::Contains;

/// A file of the test's own with this content.
class File {
 public:
  explicit File(const std::string& content)
      : path_(std::filesystem::temp_directory_path() /
              ("plait_lines_" + std::to_string(getpid()))) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::vector<std::string> lines_of(const std::string& content) {
  const File file(content);
  TextLines lines(file.path());
  std::vector<std::string> all;
  while (lines.next()) {
    all.push_back(lines.text());
    CHECK(lines.where().line == static_cast<int>(all.size()));
  }
  return all;
}

}  // namespace

TEST_CASE("lines of a file, the last with or without its end") {
  using Lines = std::vector<std::string>;
  CHECK(lines_of("").empty());
  CHECK(lines_of("a\n\nb") == Lines{"a", "", "b"});
  CHECK(lines_of("a\r\nb\tc\n") == Lines{"a\r", "b\tc"});
  CHECK(lines_of("Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x8d\xb0\n").size() == 1);
}

TEST_CASE("what is no text is refused with its line") {
  for (const std::string bad :
       {"\x01", "\x7f", "\x1b[2J", "\xff\xfe", "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf",
        "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf5"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH(lines_of("good\n" + bad + "\n"), Contains(":2: is not UTF-8 text"));
  }
  CHECK_THROWS_WITH(lines_of(std::string(3, '\0')), Contains(":1: is not UTF-8 text"));
  CHECK(lines_of(std::string(TextLines::kLongest, 'x')).size() == 1);
  CHECK_THROWS_WITH(lines_of(std::string(TextLines::kLongest + 1, 'x')),
                    Contains(":1: the line is longer than 1048576 bytes"));
}

TEST_CASE("a file that is none is told so, and what never ends ends") {
  CHECK_THROWS_WITH(TextLines("nowhere/list.csv"),
                    "nowhere/list.csv: cannot be opened: there is no such file");
  CHECK_THROWS_WITH(TextLines("."), ".: is a folder where a file is due");
  TextLines zeros("/dev/zero");
  CHECK_THROWS_WITH(zeros.next(), Contains("/dev/zero:1: the line is longer than"));
}

}  // namespace plait
