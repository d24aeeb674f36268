// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file fingerprint.hpp
/// 64-bit fingerprint of what a run did: equal runs have equal fingerprints for any number of
/// threads. Commutative over entities, because entities of one window run in any order. Within an
/// entity either ordered (Fingerprint), or, where every value names its own place in the order, a
/// set of values (SetFingerprint), so that they may be added in whatever order is fast.

#include <bit>
#include <cstdint>

#include "sim/hash.hpp"
#include "sim/ids.hpp"

namespace plait {

/// Running hash of one entity: 8 bytes, one multiplication per value. Owned by the entity, so it
/// needs no lock. A change of any single value always changes the hash: each step is a bijection of
/// the value and of the state.
class Fingerprint {
 public:
  void add(std::uint64_t value) {
    // The rotation carries high bits, which a multiplication alone never moves down, to the bottom.
    state_ = (std::rotl(state_, 23) ^ value) * kGolden64;
  }

  /// What this entity contributes to the run's fingerprint. The run's is the wrapping sum of its
  /// entities' contributions, in any order.
  std::uint64_t combine(EntityId entity) const { return hash64(entity.value(), state_); }

  friend bool operator==(Fingerprint, Fingerprint) = default;

 private:
  std::uint64_t state_ = 0x6a09e667f3bcc908U;  // fraction of sqrt(2); not 0, so leading zeros count
};

/// Running hash of a set of values that are all different, such as arrivals with their time and
/// channel.
class SetFingerprint {
 public:
  void add(std::uint64_t value) {
    value ^= kSalt;
    value = (value ^ value >> 32) * kGolden64;  // not linear, or sums of different sets would meet
    sum_ += value ^ value >> 29;
  }
  /// All values of another set.
  void add(SetFingerprint other) { sum_ += other.sum_; }
  /// As Fingerprint::combine().
  std::uint64_t combine(EntityId entity) const { return hash64(entity.value(), sum_); }

  friend bool operator==(SetFingerprint, SetFingerprint) = default;

 private:
  static constexpr std::uint64_t kSalt = 0xbb67ae8584caa73bU;  // fraction of sqrt(3): 0 counts too
  std::uint64_t sum_ = 0;
};

}  // namespace plait
