// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file entropy.hpp
/// Load balancing by the sender: several values of the UDP source port for one flow, so that
/// switches that hash it spread its packets. In turn, at random, or REPS (Bonato et al., "REPS:
/// Recycled Entropy Packet Spraying for Adaptive Load Balancing and Failure Mitigation",
/// arXiv 2407.21625): a value whose ACK came back without a mark is used once more.
/// Deviations: docs/models/load_balancing.md.

#include <cstdint>
#include <vector>

#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

enum class EntropyKind : std::uint8_t { kFixed, kRoundRobin, kRandom, kReps };

struct EntropyParams {
  EntropyKind kind = EntropyKind::kFixed;
  std::int64_t paths = 64;              ///< Values per flow.
  std::int64_t cache = 8;               ///< REPS: values remembered.
  Duration freeze = Duration::us(100);  ///< REPS: after a timeout only remembered values.
};
void describe(ParamVisitor& visitor, EntropyParams& params);

/// Entropy of the data packets of one flow. @pre the kind is not fixed.
class EntropySource {
 public:
  /// @param params   must outlive the source.
  /// @param first    one of the values of the flow.
  /// @param seed     of the draws of this flow.
  /// @param explore  REPS: packets at the start that take random values (one
  ///                 bandwidth-delay product).
  EntropySource(const EntropyParams& params, std::uint16_t first, std::uint64_t seed,
                std::uint32_t explore);

  /// For the next data packet.
  std::uint16_t next();
  /// An ACK came back for a packet with this entropy.
  void on_ack(std::int64_t now, std::uint16_t entropy, bool marked);
  void on_timeout(std::int64_t now);

  bool frozen() const { return frozen_; }

 private:
  /// Packets that explore after a freeze.
  static constexpr std::uint32_t kExploreAgain = 16;

  std::uint16_t value(std::uint32_t number) const {
    return static_cast<std::uint16_t>(0xc000U | ((first_ + number) & 0x3fffU));
  }
  std::uint16_t draw();
  std::uint16_t recycle();

  const EntropyParams& params_;
  std::uint64_t seed_;
  std::uint64_t draws_ = 0;
  std::int64_t frozen_until_ps_ = 0;
  std::uint32_t turn_ = 0;  // round robin
  std::uint32_t explore_;
  std::uint16_t first_;
  bool frozen_ = false;
  std::uint16_t head_ = 0;                 // where the next value is remembered
  std::uint16_t fresh_ = 0;                // of those before head_, how many were not used again
  std::vector<std::uint16_t> remembered_;  // ring; grows to params_.cache
};

}  // namespace plait
