// SPDX-License-Identifier: Apache-2.0
#include "models/loss.hpp"

#include "models/packet.hpp"

namespace plait {

namespace {

// Probability of at least one of two independent events.
double either(double a, double b) { return a + b * (1 - a); }

std::uint64_t threshold(double probability) {
  return probability >= 1 ? UINT64_MAX : static_cast<std::uint64_t>(probability * 0x1p64);
}

}  // namespace

double frame_error_probability(double bit_error_rate, std::uint32_t bytes) {
  double result = 0;
  double power = bit_error_rate;  // of 2^k bits
  for (std::uint64_t bits = std::uint64_t{8} * bytes; bits != 0; bits >>= 1) {
    if ((bits & 1U) != 0) result = either(result, power);
    power = either(power, power);
  }
  return result;
}

LossThresholds::LossThresholds(double loss, double bit_error_rate) : fixed_(threshold(loss)) {
  if (bit_error_rate <= 0) return;
  by_size_.reserve(kMaxWireBytes + 1);
  for (std::uint32_t size = 0; size <= kMaxWireBytes; ++size)
    by_size_.push_back(threshold(either(loss, frame_error_probability(bit_error_rate, size))));
}

}  // namespace plait
