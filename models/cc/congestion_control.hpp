// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file congestion_control.hpp
/// The one interface of congestion control: state of one flow's sender, told what happens to the
/// flow, asked for a rate and a window. No access to the engine, no timers to arm: time-driven
/// state is brought up to date lazily by the calls, each of which carries `now` (never decreasing).

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

struct IntScale;
struct IntStack;

/// What a flow's congestion control may know about its path.
struct PathInfo {
  BitRate line_rate;                    ///< Of the sender's NIC port.
  Duration base_rtt;                    ///< Full packet out, ACK back, queues empty.
  Bytes mtu;                            ///< Payload bytes of a full packet.
  std::uint32_t hops = 0;               ///< Links of the path, one way.
  const IntScale* int_scale = nullptr;  ///< Of the run's telemetry; outlives the flow.
};

/// An acknowledgement as the sender sees it. Positions count payload bytes of the flow from 0.
struct AckInfo {
  std::uint64_t acked_bytes = 0;  ///< Payload newly acknowledged.
  bool ecn_echo = false;          ///< The acknowledged packet carried a congestion mark.
  std::int64_t acked_to = 0;      ///< First byte that is not acknowledged.
  std::int64_t sent_to = 0;       ///< First byte that has not been sent (sent again, after a loss).
  /// From the start of the data packet to now; zero if unknown or if the algorithm does not ask for
  /// it. Of a packet that was sent twice the second copy counts, unless it cannot have come back
  /// yet.
  Duration rtt{};
  const IntStack* telemetry = nullptr;  ///< Of the data packet, or null.
};

/// What an algorithm wants to be told; what nobody wants is not measured.
struct CongestionControlNeeds {
  bool rtt = false;
  bool telemetry = false;
};

class CongestionControl {
 public:
  virtual ~CongestionControl() = default;
  /// A packet of `wire_bytes` starts on the wire at `now`.
  virtual void on_sent(SimTime now, std::uint32_t wire_bytes) = 0;
  /// Every ACK and NACK, also one that acknowledges nothing new. After on_cnp() if it echoes a
  /// mark.
  virtual void on_ack(SimTime now, const AckInfo& ack) = 0;
  /// A congestion notification packet arrived (or an ACK that stands for one).
  virtual void on_cnp(SimTime now) = 0;
  /// The receiver reported a lost packet.
  virtual void on_loss(SimTime now) = 0;
  /// The retransmission timeout passed; a loss like any other unless the algorithm says otherwise.
  virtual void on_timeout(SimTime now) { on_loss(now); }
  /// Allowed sending rate on the wire at `now`; > 0.
  virtual BitRate rate(SimTime now) = 0;
  /// Allowed unacknowledged payload; a packet may be sent while less than this is in flight.
  virtual Bytes window(SimTime now) = 0;
  /// When the packet after one of `wire_bytes` that starts at `start` may start; `at_rate` if the
  /// rate stays as it is. Algorithms whose rate rises with time alone may say earlier.
  virtual SimTime next_start(SimTime /*start*/, std::uint32_t /*wire_bytes*/,
                             SimTime at_rate) const {
    return at_rate;
  }
  /// Whether a new rate also moves the start of the packet that waits for its turn (as HPCC does);
  /// otherwise it counts from the next packet on.
  virtual bool moves_waiting_packet() const { return false; }
};

}  // namespace plait
