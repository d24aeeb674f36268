// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file queue_pair.hpp
/// State of the queue pairs of a NIC and of the connections they belong to; models/nic.hpp has the
/// rules. A connection (GPU, GPU, stream) has up to `transport.queue_pairs` of them, called lanes,
/// each with its own sequence numbers, congestion control and loss recovery.

#include <cstdint>
#include <memory>
#include <vector>

#include "models/cc/congestion_control.hpp"
#include "models/entropy.hpp"
#include "models/fifo.hpp"
#include "models/host_services.hpp"
#include "models/receive_window.hpp"
#include "models/records.hpp"
#include "models/send_times.hpp"
#include "models/sent_window.hpp"

namespace plait {

/// What one queue pair carries of one message.
struct MessagePart {
  std::uint32_t first_psn, packets;
  std::int64_t size;
  std::int64_t first_byte;  ///< Position in the flow's payload.
  std::uint32_t message;    ///< Number within the connection.
  bool final;               ///< The message ends with this part.

  std::uint32_t end_psn() const { return first_psn + packets; }
};

/// The sending side of one queue pair. Two cache lines hold what every packet needs; more than that
/// is touched at the ends of messages.
struct alignas(64) SendFlow {
  std::int64_t next_send_ps = 0;  ///< Pacing; may lie in the past.
  std::uint32_t next_psn = 0, oldest_psn = 0, end_psn = 0, highest_psn = 0;
  /// Payload positions.
  std::int64_t sent_bytes = 0, acked_bytes = 0;
  std::int64_t absent_bytes = 0;  ///< Selective repeat: of those sent, not in flight.
  std::unique_ptr<CongestionControl> congestion_control;
  std::uint32_t sending = 0;  ///< Index in parts of the one that holds next_psn.
  std::uint32_t index = 0;

  std::int64_t deadline_ps = 0;  ///< Of the retransmission timeout, while packets are in flight.
  std::int64_t rto_ps = 0;       ///< Grows by the backoff with every timeout.
  std::int64_t last_acked_ps = 0;
  /// Copies from `parts`, see note_parts().
  std::int64_t front_first_byte = 0;
  std::uint32_t front_first_psn = 0, front_end_psn = kNone, sending_end_psn = kNone;
  EndpointId to;
  std::uint32_t queue_pair = 0;
  std::uint16_t entropy = 0;
  std::uint16_t last_wire = 0;  ///< Bytes of the packet sent last.
  std::uint8_t lane = 0;
  std::uint8_t retries = 0;     ///< Timeouts since the last progress.
  bool moves_waiting = false;   ///< CongestionControl::moves_waiting_packet().
  bool gave_up = false;         ///< Nothing is sent or expected any more.
  bool varies_entropy = false;  ///< There is an entropy_source.

  Fifo<MessagePart> parts;                        ///< Not fully acknowledged.
  std::unique_ptr<EntropySource> entropy_source;  ///< Null: one entropy for all packets.
  std::int64_t ask_again_ps = 0;                  ///< For an ACK, when they are coalesced.
  std::int64_t queued_bytes = 0;                  ///< Payload position.
  std::uint32_t connection = 0;
  std::uint32_t recover_psn =
      0;                 ///< Selective repeat: losses before it are one and the same event.
  Duration base_rtt{};   ///< A full packet out, its ACK back, queues empty.
  SendTimes send_times;  ///< Only if the congestion control needs round-trip times.
  std::unique_ptr<SentWindow> window;  ///< Selective repeat.
  /// `packets`, `payload` and `last_acked` follow from the above at the end.
  FlowRecord record;

  static constexpr std::uint32_t kNone = UINT32_MAX;  ///< No packet has this number.

  /// After a change of `parts` or `sending`.
  void note_parts() {
    sending_end_psn = sending < parts.size() ? parts[sending].end_psn() : kNone;
    front_end_psn = kNone;
    if (parts.empty()) return;
    front_first_psn = parts.front().first_psn;
    front_end_psn = parts.front().end_psn();
    front_first_byte = parts.front().first_byte;
  }
  bool in_flight() const { return next_psn != oldest_psn; }
  std::int64_t outstanding() const { return sent_bytes - acked_bytes - absent_bytes; }
  /// Selective repeat: all that is not acknowledged waits for its turn to be sent again, so nothing
  /// can be late.
  bool waits_to_repeat() const { return outstanding() == 0 && window->has_lost(); }
};

/// The sending side of a connection: its messages, in order.
struct SendConnection {
  struct Posted {
    std::uint64_t token;
    std::uint32_t parts_left;  ///< Not acknowledged.
  };
  struct Sent {
    std::int64_t size, posted_ps, acked_ps;
  };
  MessageKey key;
  std::uint32_t next_lane = 0;  ///< Where the next message starts.
  std::uint32_t completed = 0;  ///< Messages acknowledged whole.
  Fifo<Posted> posted;          ///< The others.
  std::vector<Sent> sent;       ///< All, if messages are recorded.
};

/// The receiving side of one queue pair.
struct alignas(64) ReceiveFlow {
  struct Part {
    std::int64_t size;
    bool final;
  };
  std::uint32_t expected_psn = 0;
  std::uint32_t unacked = 0;
  bool marked = false;  ///< Since the last ACK.
  std::uint32_t connection = 0;
  std::uint32_t nacked_psn = UINT32_MAX;
  std::int64_t nack_again_ps = 0, next_cnp_ps = 0;
  std::int64_t part_bytes = 0;
  ReceiveWindow window;  ///< Selective repeat: packets that came before their turn.
  Fifo<Part> complete;   ///< Parts that wait for others; with several lanes only.
};

/// The receiving side of a connection.
struct ReceiveConnection {
  MessageKey key;
  std::uint32_t next_lane = 0;  ///< Holds the next part of the message under way.
  std::int64_t message_bytes = 0;
  std::vector<std::int64_t> delivered_ps;  ///< If messages are recorded.
};

}  // namespace plait
