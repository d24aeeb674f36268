// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file transport_params.hpp
/// Parameters of the RoCEv2 NIC (models/nic.hpp) and of the wire; docs/models/roce.md.

#include <cstdint>

#include "models/cc/registry.hpp"
#include "models/entropy.hpp"
#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

/// How a congestion mark travels back to the sender.
enum class CnpMode : std::uint8_t {
  kPacket,   ///< A CNP per flow, at most one per interval, as RoCEv2 NICs do.
  kAckEcho,  ///< Every ACK tells whether its packet was marked, as the ns-3 RDMA models do.
};

/// How lost packets are sent again.
enum class Reliability : std::uint8_t {
  kGoBackN,  ///< The receiver drops what is out of order; the sender repeats from the loss on.
  kSelectiveRepeat,  ///< The receiver keeps it; the sender repeats what is missing.
};

/// How a connection with several queue pairs uses them.
enum class Striping : std::uint8_t {
  kSplit,       ///< Every message is cut into parts for all of them.
  kRoundRobin,  ///< Whole messages in turn.
};

/// What stands between the Ethernet frame and the RoCEv2 packet in it.
enum class Encapsulation : std::uint8_t { kIpv4, kIpv6, kVxlan, kVxlanIpv6 };
/// Bytes it adds to every frame, over Ethernet and IPv4.
Bytes encapsulation_bytes(Encapsulation encapsulation);

struct TransportParams {
  static constexpr Duration kMaxRto = Duration::s(100);

  Bytes mtu = Bytes(4096);   ///< Payload of a full packet.
  Bytes header = Bytes(62);  ///< Ethernet, IPv4, UDP, BTH, ICRC, FCS.
  Bytes ack = Bytes(66);     ///< ACK or NACK frame.
  Bytes cnp = Bytes(78);     ///< CNP frame.
  Encapsulation encapsulation = Encapsulation::kIpv4;
  Bytes int_header = Bytes(42);  ///< On data and ACKs if the congestion control reads telemetry.
  Bytes gap = Bytes(20);         ///< Preamble and inter-frame gap, added to every frame.
  std::int64_t data_priority = 3;
  std::int64_t control_priority = 6;  ///< ACK, NACK, CNP.
  bool control_obeys_pause = true;    ///< The NIC holds ACKs back while their priority is paused.
  std::int64_t ack_interval = 1;      ///< Packets per ACK; the last of a message always has one.
  Duration nack_interval = Duration::us(500);  ///< Least time between NACKs for one gap.
  Duration rto = Duration::ms(20);  ///< Without progress for this long: repeat from the oldest.
  double rto_backoff = 2.0;         ///< Factor on rto after each timeout without progress.
  std::int64_t retry_limit = 7;     ///< Timeouts without progress that are survived; 0 = all.
  Reliability reliability = Reliability::kGoBackN;
  std::int64_t reorder_window = 1024;  ///< Selective repeat: packets in flight at most.
  /// Selective repeat: a packet is lost when so many sent after it are acknowledged; 0 = automatic.
  std::int64_t reorder_threshold = 0;
  std::int64_t queue_pairs = 1;  ///< Per connection.
  Striping striping = Striping::kSplit;
  CnpMode cnp_mode = CnpMode::kPacket;
  Duration cnp_interval = Duration::us(4);
  EntropyParams entropy;
  CcParams congestion_control;
};
void describe(ParamVisitor& visitor, TransportParams& params);

/// What comes first at equal times.
enum class TieOrder : std::uint8_t {
  kModel,    ///< Arrivals by port, then departures by port.
  kPosting,  ///< As in an event list in order of posting (models/lineage.hpp).
};

/// Figures of every cable that are not in the topology.
struct WireParams {
  Duration clock = Duration::ps(1);  ///< Serialisation times are rounded to nearest multiple.
  TieOrder tie_order = TieOrder::kModel;
  double loss = 0.0;            ///< Probability that a frame (not PFC) is lost on one link.
  double bit_error_rate = 0.0;  ///< Of every link; frames (not PFC) with a wrong bit are lost.
};
void describe(ParamVisitor& visitor, WireParams& params);

}  // namespace plait
