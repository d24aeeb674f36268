// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file fixed_array.hpp
/// Objects side by side that never move, so that they need not be movable: room for a number of
/// them is taken once, then they are constructed in place.

#include <cstddef>
#include <memory>
#include <utility>

#include "sim/check.hpp"

namespace plait {

template <class T>
class FixedArray {
 public:
  explicit FixedArray(std::size_t room) : items_(std::allocator<T>().allocate(room)), room_(room) {}
  FixedArray(const FixedArray&) = delete;
  FixedArray& operator=(const FixedArray&) = delete;
  ~FixedArray() {
    std::destroy_n(items_, size_);
    std::allocator<T>().deallocate(items_, room_);
  }

  template <class... Args>
  T& emplace_back(Args&&... args) {
    PLAIT_CHECK_LT(size_, room_);
    T* const item = std::construct_at(items_ + size_, std::forward<Args>(args)...);
    ++size_;
    return *item;
  }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T* begin() { return items_; }
  T* end() { return items_ + size_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }

 private:
  T* const items_;
  std::size_t size_ = 0;
  const std::size_t room_;
};

}  // namespace plait
