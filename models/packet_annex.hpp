// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file packet_annex.hpp
/// What packets of some runs carry beside their 24 bytes (sim/chunk.hpp, annex): a ticket for their
/// telemetry, and the lineage of their arrival. Only for packets that lie in a chunk. Whoever makes
/// a packet sets its ticket.

#include <cstddef>
#include <utility>

#include "models/lineage.hpp"
#include "models/packet.hpp"
#include "models/telemetry.hpp"
#include "sim/chunk.hpp"

namespace plait {

class PacketAnnex {
 public:
  PacketAnnex(bool telemetry, bool lineage)
      : lineage_at_(telemetry ? sizeof(IntTicket) : 0),
        bytes_(lineage_at_ + (lineage ? sizeof(Lineage) : 0)) {}

  std::size_t bytes() const { return bytes_; }
  // What lies beside a packet may change where the packet may not.
  /// @pre the run has telemetry.
  IntTicket& ticket(const Packet& packet) const {
    return *static_cast<IntTicket*>(annex(&packet, bytes_));
  }
  /// Leaves none behind.
  IntTicket take_ticket(const Packet& packet) const {
    return std::exchange(ticket(packet), IntTicket());
  }
  /// @pre the run orders equal times by posting.
  Lineage& lineage(const Packet& packet) const {
    return *reinterpret_cast<Lineage*>(static_cast<char*>(annex(&packet, bytes_)) + lineage_at_);
  }

 private:
  std::size_t lineage_at_, bytes_;
};

}  // namespace plait
