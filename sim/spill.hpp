// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file spill.hpp
/// Arrays that may be larger than the memory they shall take: SpillVector is a std::vector whose
/// allocations come from the heap while those of the whole process stay within a budget, and beyond
/// it from temporary files mapped into memory (mmap(2), MAP_SHARED), whose pages the kernel writes
/// back and takes away when memory is short. For what has an element per op of a trace.
///
/// The files have no name (O_TMPFILE, else unlinked at once), so they vanish with the process.
/// Their room on the disk is reserved when they are made: a full disk is a UserError then and not a
/// signal later. Where an array lies changes nothing but speed.
///
/// Allocations below kLeastSpilled stay on the heap and are not counted. All functions may be
/// called on any thread.

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <vector>

#include "sim/units.hpp"

namespace plait {

/// Four pages: smaller arrays would waste too much of their last page.
constexpr std::size_t kLeastSpilled = std::size_t{1} << 14;

/// The budget of a process that does not say: several million ops.
constexpr Bytes kDefaultSpillBudget = Bytes::mebi(256);

/// Sets the memory that spilled arrays may take of the heap. Those that exist stay where they are.
/// The files are made in the folder that TMPDIR names, else in /var/tmp (/tmp is often in memory).
void set_spill_budget(Bytes budget);

/// What arrays of at least kLeastSpilled take now.
struct SpillUse {
  Bytes heap{};        ///< Within the budget.
  Bytes files{};       ///< Room reserved on the disk.
  Bytes files_peak{};  ///< The most so far.
};
SpillUse spill_use();

/// @throws UserError if the disk has no room for the file, or the folder no file.
void* spill_allocate(std::size_t bytes);
void spill_free(void* memory, std::size_t bytes) noexcept;

template <class T>
class SpillAllocator {
 public:
  using value_type = T;

  SpillAllocator() = default;
  template <class Other>
  SpillAllocator(const SpillAllocator<Other>& /*other*/) {}  // as the standard wants: implicit

  T* allocate(std::size_t count) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    if (count > SIZE_MAX / sizeof(T)) throw std::bad_array_new_length();
    const std::size_t bytes = count * sizeof(T);
    return static_cast<T*>(bytes < kLeastSpilled ? ::operator new(bytes) : spill_allocate(bytes));
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLeastSpilled)
      ::operator delete(memory);
    else
      spill_free(memory, bytes);
  }
  friend bool operator==(const SpillAllocator&, const SpillAllocator&) { return true; }
};

template <class T>
using SpillVector = std::vector<T, SpillAllocator<T>>;

/// For containers of small nodes: a pool over this one (std::pmr::monotonic_buffer_resource) asks
/// for ever larger blocks, which spill.
std::pmr::memory_resource* spill_resource();

}  // namespace plait
