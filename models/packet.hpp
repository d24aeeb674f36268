// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file packet.hpp
/// The unit on the wire: 24 bytes, moved by value. What only some models need travels beside it
/// (models/packet_annex.hpp), not in it: packets fill the caches, and 8 more bytes cost up to 45 %
/// of the speed at 8192 hosts.

#include <bit>
#include <cstdint>
#include <cstring>

#include "sim/ids.hpp"

namespace plait {

enum class PacketKind : std::uint8_t {
  kData,
  kAck,           ///< Everything before `psn` has arrived.
  kNack,          ///< The same, and packet `psn` is missing.
  kSelectiveAck,  ///< Packet `psn` has arrived, out of order.
  kTrimmed,       ///< A data packet whose payload a switch has dropped.
  kTrimNack,      ///< Packet `psn` was trimmed.
  kCnp,
  kPause = 8,  ///< From here on: priority flow control, not routed. No kind before has this bit.
  kResume,
};

enum PacketFlag : std::uint32_t {
  kFlagMarked = 1U << 0,  ///< ECN congestion experienced.
  kFlagLast = 1U << 1,    ///< Data: last packet of its message.
  kFlagEcho = 1U << 2,    ///< ACK: the packet it answers was marked.
  kFlagAskAck = 1U << 3,  ///< Data: the sender waits for an ACK, do not coalesce.
};

/// Endpoints fit 24 bits. `queue_pair` tells which connection between the two endpoints, see
/// QueuePairName.
struct Packet {
  std::uint32_t arrival = 0;  ///< On a channel: low 32 bits of the arrival time in ps. Inside a
                              ///< switch queue: number of the ingress port.
  std::uint32_t psn = 0;      ///< Data: packet sequence number. ACK, NACK: next one expected.
  std::uint32_t to = 0;       ///< Bits 0-23 destination endpoint, 24-26 priority, 27-30 lane, 31
                              ///< final stripe.
  std::uint32_t from = 0;     ///< Bits 0-23 source endpoint, 24-27 kind, 28-31 flags.
  std::uint32_t queue_pair = 0;
  std::uint16_t wire_bytes = 0;  ///< Everything that occupies the wire, gap included.
  std::uint16_t entropy = 0;     ///< UDP source port: spreads flows over equal-cost paths.

  EndpointId destination() const { return EndpointId(to & 0xffffffU); }
  EndpointId source() const { return EndpointId(from & 0xffffffU); }
  std::uint32_t priority() const { return to >> 24 & 7U; }
  void set_priority(std::uint32_t priority) { to = (to & ~(7U << 24)) | priority << 24; }
  /// Number of the queue pair within its connection.
  std::uint32_t lane() const { return to >> 27 & 15U; }
  void set_lane(std::uint32_t lane) { to |= lane << 27; }
  /// Data: the message ends with this lane's part of it.
  bool is_final_stripe() const { return to >> 31 != 0; }
  void set_final_stripe() { to |= 1U << 31; }
  PacketKind kind() const { return static_cast<PacketKind>(from >> 24 & 15U); }
  bool is_pfc() const { return any_pfc(from); }
  /// Of the members `from` of several packets, or-ed.
  static bool any_pfc(std::uint32_t from) {
    return (from & static_cast<std::uint32_t>(PacketKind::kPause) << 24) != 0;
  }
  bool has(PacketFlag flag) const { return (from >> 28 & flag) != 0; }
  void set_kind(PacketKind kind) {
    from = (from & ~(15U << 24)) | static_cast<std::uint32_t>(kind) << 24;
  }
  void set(PacketFlag flag) { from |= static_cast<std::uint32_t>(flag) << 28; }

  static Packet make(PacketKind kind, EndpointId source, EndpointId destination,
                     std::uint32_t priority, std::uint32_t wire_bytes) {
    Packet p;
    p.to = destination.value() | priority << 24;
    p.from = source.value() | static_cast<std::uint32_t>(kind) << 24;
    p.wire_bytes = static_cast<std::uint16_t>(wire_bytes);
    return p;
  }
};
static_assert(sizeof(Packet) == 24);
static_assert(PacketKind::kCnp < PacketKind::kPause);
static_assert(std::endian::native == std::endian::little);  // digest() reads packets as words

/// Place of an arrival for digest(); digest_place(t + d, c) is digest_place(t, c) + d.
inline std::uint64_t digest_place(std::int64_t now_ps, std::uint32_t channel) {
  return static_cast<std::uint64_t>(now_ps) + (static_cast<std::uint64_t>(channel) << 48);
}
/// What the fingerprint hashes of an arrival: all of the packet as it lies in memory, when it came
/// and where. A sum of odd multiples, so that the multiplications do not wait for each other.
/// @param place  digest_place(when, where).
inline std::uint64_t digest(const Packet& packet, std::uint64_t place) {
  const auto word = [&](std::size_t i) {
    std::uint64_t bits;
    std::memcpy(&bits, reinterpret_cast<const char*>(&packet) + 8 * i, 8);
    return bits;
  };
  return place + word(0) * 0x9e3779b97f4a7c15U + word(1) * 0xbf58476d1ce4e5b9U +
         word(2) * 0x94d049bb133111ebU;
}

constexpr std::uint32_t kMaxEndpoints = 1U << 24;
constexpr std::uint32_t kMaxWireBytes = UINT16_MAX;

/// Names a connection between two endpoints on the wire: GPU within each host, and stream. Both
/// sides derive it alone, so no connection has to be announced.
struct QueuePairName {
  std::uint32_t from_gpu = 0;  ///< Local number, below kMaxGpusPerHost.
  std::uint32_t to_gpu = 0;
  std::uint32_t stream = 0;  ///< Below kMaxStreams (2^18).

  std::uint32_t pack() const { return from_gpu << 25 | to_gpu << 18 | stream; }
  static QueuePairName unpack(std::uint32_t bits) {
    return {bits >> 25, bits >> 18 & 127U, bits & 0x3ffffU};
  }
};
constexpr std::uint32_t kMaxGpusPerHost = 128;
constexpr std::uint32_t kMaxQueuePairs = 16;  ///< Queue pairs per connection.

}  // namespace plait
