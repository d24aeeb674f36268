// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file packet_annex.hpp
/// What packets of some runs carry beside their 24 bytes (sim/chunk.hpp, annex): telemetry, and
/// the lineage of their arrival. Only for packets that lie in a chunk.

#include <cstddef>

#include "models/lineage.hpp"
#include "models/packet.hpp"
#include "models/telemetry.hpp"
#include "sim/chunk.hpp"

namespace plait {

class PacketAnnex {
 public:
  PacketAnnex(bool telemetry, bool lineage)
      : lineage_at_(telemetry ? sizeof(IntStack) : 0),
        bytes_(aligned(lineage_at_ + (lineage ? sizeof(Lineage) : 0), telemetry)) {}

  std::size_t bytes() const { return bytes_; }
  /// @pre the run has telemetry.
  IntStack& int_stack(Packet& packet) const {
    return *static_cast<IntStack*>(annex(&packet, bytes_));
  }
  const IntStack& int_stack(const Packet& packet) const {
    return int_stack(const_cast<Packet&>(packet));
  }
  /// @pre the run orders equal times by posting.
  Lineage& lineage(Packet& packet) const {
    return *reinterpret_cast<Lineage*>(static_cast<char*>(annex(&packet, bytes_)) + lineage_at_);
  }
  const Lineage& lineage(const Packet& packet) const {
    return lineage(const_cast<Packet&>(packet));
  }

 private:
  // Annexes follow each other, and stacks must begin on cache lines.
  static std::size_t aligned(std::size_t bytes, bool telemetry) {
    return telemetry ? (bytes + alignof(IntStack) - 1) / alignof(IntStack) * alignof(IntStack)
                     : bytes;
  }
  std::size_t lineage_at_, bytes_;
};

}  // namespace plait
