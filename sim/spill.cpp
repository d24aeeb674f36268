// SPDX-License-Identifier: Apache-2.0
#include "sim/spill.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "sim/check.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::size_t kPage = 4096;
/// File systems in memory: TMPFS_MAGIC and RAMFS_MAGIC of statfs(2).
constexpr std::uint32_t kTmpfs = 0x01021994, kRamfs = 0x858458f6;
/// Small arrays share a file and a mapping, of which a process may have some ten thousand.
constexpr std::size_t kFile = std::size_t{1} << 25;

std::string folder() {
  const char* wanted = std::getenv("TMPDIR");
  return wanted != nullptr && *wanted != '\0' ? wanted : "/var/tmp";
}

[[noreturn]] void fail(std::size_t bytes, const std::string& why) {
  throw UserError(fmt::format(
      "{}: arrays of the workload do not fit into --trace-memory, and no temporary file "
      "of {} can be made here for them: {}; set TMPDIR to a folder on a disk with room, "
      "or give more --trace-memory",
      folder(), to_string(Bytes(static_cast<std::int64_t>(bytes))), why));
}

/// A file without a name, closed at the end of the scope: a mapping keeps it alive.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::size_t bytes) {
    const std::string where = folder();
    descriptor_ = open(where.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
      std::string name = where + "/plait-XXXXXX";
      descriptor_ = mkostemp(name.data(), O_CLOEXEC);
      if (descriptor_ >= 0) unlink(name.c_str());
    }
    if (descriptor_ < 0) fail(bytes, std::strerror(errno));
    const std::string why = reserve(bytes);
    if (why.empty()) return;
    close(descriptor_);
    fail(bytes, why);
  }
  ~TemporaryFile() { close(descriptor_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  /// Why there is no room, or nothing.
  std::string reserve(std::size_t bytes) const {
    struct statfs system {};
    if (fstatfs(descriptor_, &system) == 0 &&
        (static_cast<std::uint32_t>(system.f_type) == kTmpfs ||
         static_cast<std::uint32_t>(system.f_type) == kRamfs))
      return "the folder is in memory (tmpfs)";
    rlimit longest{};  // beyond it comes a signal
    if (getrlimit(RLIMIT_FSIZE, &longest) == 0 && bytes > longest.rlim_cur)
      return fmt::format("files may have {} bytes at most (ulimit -f)", longest.rlim_cur);
    const int error = posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
    return error == 0 ? std::string() : std::strerror(error);
  }

  int descriptor_ = -1;
};

/// All mappings of the process. One is unmapped when the last of its arrays is gone.
class Mappings {
 public:
  void* allocate(std::size_t bytes) {
    const std::size_t size = (bytes + kPage - 1) / kPage * kPage;
    const std::lock_guard lock(mutex_);
    if (current_ == nullptr || kFile - current_->used < size) {
      // A large array has a file of its own, and the one at hand stays at hand.
      if (size > kFile / 2) return take(map(size).first, size);
      current_ = map(kFile).second;
    }
    return take(current_->begin, size);
  }

  /// False: it is not of a mapping.
  bool free(void* memory, std::size_t bytes) {
    if (count_.load(std::memory_order_acquire) == 0) return false;
    const std::lock_guard lock(mutex_);
    auto found = mappings_.upper_bound(static_cast<char*>(memory));
    if (found == mappings_.begin()) return false;
    Mapping& mapping = (--found)->second;
    if (static_cast<char*>(memory) >= mapping.begin + mapping.size) return false;
    if (--mapping.arrays > 0) {  // gives back its room where the file system can; else later
      madvise(memory, (bytes + kPage - 1) / kPage * kPage, MADV_REMOVE);
      return true;
    }
    if (current_ == &mapping) current_ = nullptr;
    munmap(mapping.begin, mapping.size);
    total_.fetch_sub(mapping.size, std::memory_order_relaxed);
    mappings_.erase(found);
    count_.fetch_sub(1, std::memory_order_release);
    return true;
  }

  std::size_t total() const { return total_.load(std::memory_order_relaxed); }
  std::size_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  struct Mapping {
    char* begin = nullptr;
    std::size_t size = 0, used = 0;
    std::size_t arrays = 0;  // in use
  };

  std::pair<char*, Mapping*> map(std::size_t size) {
    const TemporaryFile file(size);
    void* begin = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
    if (begin == MAP_FAILED) fail(size, std::strerror(errno));
    const auto at = static_cast<char*>(begin);
    Mapping& mapping = mappings_[at] = {at, size, 0, 0};
    count_.fetch_add(1, std::memory_order_release);
    peak_ = std::max(peak_.load(), total_ += size);
    return {at, &mapping};
  }

  void* take(char* begin, std::size_t size) {
    Mapping& mapping = mappings_.at(begin);
    ++mapping.arrays;
    return mapping.begin + std::exchange(mapping.used, mapping.used + size);
  }

  std::mutex mutex_;
  std::map<char*, Mapping> mappings_;  // by begin; looked up, its order is never seen
  Mapping* current_ = nullptr;         // of kFile, with room
  std::atomic<std::size_t> count_{0}, total_{0}, peak_{0};
};

/// Lives as long as the process: arrays of static objects may be freed at its very end.
Mappings& mappings() {
  static Mappings& instance = *new Mappings;
  return instance;
}

std::atomic<std::size_t> budget{static_cast<std::size_t>(kDefaultSpillBudget.count())};
std::atomic<std::size_t> on_heap{0};

class SpillResource final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    PLAIT_CHECK_LE(alignment, alignof(std::max_align_t));
    return SpillAllocator<char>().allocate(bytes);
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t /*alignment*/) override {
    SpillAllocator<char>().deallocate(static_cast<char*>(memory), bytes);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

}  // namespace

void set_spill_budget(Bytes wanted) { budget = static_cast<std::size_t>(wanted.count()); }

SpillUse spill_use() {
  const auto as_bytes = [](std::size_t count) { return Bytes(static_cast<std::int64_t>(count)); };
  return {as_bytes(on_heap), as_bytes(mappings().total()), as_bytes(mappings().peak())};
}

void* spill_allocate(std::size_t bytes) {
  if (on_heap.fetch_add(bytes, std::memory_order_relaxed) + bytes <= budget)
    if (void* memory = ::operator new(bytes, std::nothrow)) return memory;
  on_heap.fetch_sub(bytes, std::memory_order_relaxed);
  return mappings().allocate(bytes);
}

void spill_free(void* memory, std::size_t bytes) noexcept {
  if (mappings().free(memory, bytes)) return;
  on_heap.fetch_sub(bytes, std::memory_order_relaxed);
  ::operator delete(memory);
}

std::pmr::memory_resource* spill_resource() {
  static SpillResource resource;
  return &resource;
}

}  // namespace plait
