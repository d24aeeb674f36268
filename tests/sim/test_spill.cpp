// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/vfs.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory_resource>
#include <numeric>
#include <random>
#include <string>

#include "sim/error.hpp"
#include "sim/spill.hpp"
#include "sim/spill_sort.hpp"

namespace plait {
namespace {

/// A budget, and a folder for the files if one is given, for the time of a test.
class Budget {
 public:
  explicit Budget(Bytes bytes, const char* folder = nullptr) {
    set_spill_budget(bytes);
    if (const char* before = std::getenv("TMPDIR")) before_ = before;
    if (folder != nullptr) setenv("TMPDIR", folder, 1);
  }
  ~Budget() {
    set_spill_budget(kDefaultSpillBudget);
    if (before_.empty())
      unsetenv("TMPDIR");
    else
      setenv("TMPDIR", before_.c_str(), 1);
  }
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

 private:
  std::string before_;
};

bool in_memory(const char* folder) {
  struct statfs system {};
  return statfs(folder, &system) == 0 && system.f_type == 0x01021994;  // TMPFS_MAGIC
}

std::string error_of_large_array() {
  try {
    SpillVector<char> array(std::size_t{4} << 20);
    return "no error";
  } catch (const UserError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("spill: arrays within the budget are on the heap, others in files", "[spill]") {
  const SpillUse before = spill_use();
  {
    const Budget budget(before.heap + Bytes::mebi(1), ".");
    SpillVector<char> small(kLeastSpilled - 1);  // not counted
    CHECK(spill_use().heap == before.heap);
    SpillVector<char> first(std::size_t{1} << 20);
    CHECK(spill_use().heap == before.heap + Bytes::mebi(1));
    CHECK(spill_use().files == before.files);
    SpillVector<char> second(kLeastSpilled);  // one file of 32 MiB for such
    CHECK(spill_use().heap == before.heap + Bytes::mebi(1));
    CHECK(spill_use().files == before.files + Bytes::mebi(32));
    SpillVector<char> third(std::size_t{40} << 20);  // does not fit in: one of its own
    CHECK(spill_use().files == before.files + Bytes::mebi(72));
    first = SpillVector<char>();
    SpillVector<char> fourth(std::size_t{1} << 20);
    CHECK(spill_use().files == before.files + Bytes::mebi(72));
  }
  CHECK(spill_use().heap == before.heap);
  CHECK(spill_use().files == before.files);
  CHECK(spill_use().files_peak >= before.files + Bytes::mebi(72));
}

TEST_CASE("spill: arrays in files hold what was written to them", "[spill]") {
  const Budget budget(Bytes(0), ".");
  std::mt19937 random(7);
  std::map<std::size_t, SpillVector<std::uint64_t>> arrays;
  for (int round = 0; round < 2000; ++round) {
    const std::size_t key = random() % 40;
    SpillVector<std::uint64_t>& array = arrays[key];
    switch (random() % 3) {
      case 0:
        array.resize(random() % 200'000);  // up to 1.6 MB
        std::iota(array.begin(), array.end(), key);
        break;
      case 1:
        for (int i = 0; i < 5000; ++i) array.push_back(key + array.size());
        break;
      default:
        arrays.erase(key);
    }
  }
  for (const auto& [key, array] : arrays)
    for (std::size_t i = 0; i < array.size(); ++i) REQUIRE(array[i] == key + i);
}

TEST_CASE("spill: a pool of map nodes spills, too", "[spill]") {
  const Budget budget(Bytes(0), ".");
  const Bytes before = spill_use().files;
  std::pmr::monotonic_buffer_resource pool(spill_resource());
  std::pmr::map<int, int> map(&pool);
  for (int i = 0; i < 100'000; ++i) map[i * 7919 % 100'003] = i;
  CHECK(spill_use().files > before);
  for (int i = 0; i < 100'000; ++i) REQUIRE(map.at(i * 7919 % 100'003) == i);
}

TEST_CASE("spill: sorting keeps the order of equal items", "[spill]") {
  const Budget budget(Bytes(0), ".");
  std::mt19937 random(3);
  SpillVector<std::pair<std::uint32_t, std::uint32_t>> items;
  for (std::uint32_t i = 0; i < 50'000; ++i) items.emplace_back(random() % 100, i);
  spill_stable_sort(items, [](const auto& a, const auto& b) { return a.first < b.first; });
  // Numbered as they came, so that sorted and stable means ascending as pairs.
  CHECK(std::is_sorted(items.begin(), items.end()));
  CHECK(items.size() == 50'000);
}

TEST_CASE("spill: no room for the files is the user's to mend", "[spill]") {
  const std::string what =
      ": arrays of the workload do not fit into --trace-memory, and no temporary file of 32MiB can "
      "be made here for them: ";
  const std::string mend =
      "; set TMPDIR to a folder on a disk with room, or give more --trace-memory";
  SECTION("no folder") {
    const Budget budget(Bytes(0), "/nowhere/at/all");
    CHECK(error_of_large_array() == "/nowhere/at/all" + what + "No such file or directory" + mend);
  }
  SECTION("a limit of the file size, beyond which a write is a signal") {
    const Budget budget(Bytes(0), ".");
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{1 << 20, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string error = error_of_large_array();
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(error == "." + what + "files may have 1048576 bytes at most (ulimit -f)" + mend);
  }
  SECTION("a folder in memory would bound nothing") {
    if (!in_memory("/dev/shm")) return;
    const Budget budget(Bytes(0), "/dev/shm");
    CHECK(error_of_large_array() == "/dev/shm" + what + "the folder is in memory (tmpfs)" + mend);
  }
  const Budget budget(Bytes(0), ".");
  CHECK(error_of_large_array() == "no error");
}

}  // namespace plait
