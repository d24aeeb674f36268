// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file busy_clock.hpp
/// How long a port was sending, from the bytes it sent; its rate may change on the way.

#include <cstdint>

#include "models/link.hpp"
#include "sim/units.hpp"

namespace plait {

class BusyClock {
 public:
  /// The port has sent `bytes` so far, the last of them over `before`.
  void on_rate_change(std::uint64_t bytes, const LinkClass& before) {
    done_ += time(bytes - counted_, before);
    counted_ = bytes;
  }
  Duration total(std::uint64_t bytes, const LinkClass& now) const {
    return done_ + time(bytes - counted_, now);
  }

 private:
  static Duration time(std::uint64_t bytes, const LinkClass& link) {
    return transmission_time(Bytes(static_cast<std::int64_t>(bytes)), link.rate());
  }
  Duration done_{};
  std::uint64_t counted_ = 0;
};

}  // namespace plait
