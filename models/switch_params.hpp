// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file switch_params.hpp
/// Parameters of the shared-buffer switch (models/switch.hpp); docs/models/switch.md has equations.

#include <cstdint>
#include <string>

#include "models/load_balancing_params.hpp"
#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

constexpr unsigned kPriorities = 8;

/// RED-style marking of the egress queue length at dequeue: never below k_min, with a probability
/// rising linearly to p_max at k_max, always above k_max.
struct EcnParams {
  bool enabled = true;
  Bytes k_min = Bytes::kilo(400);
  Bytes k_max = Bytes::kilo(1600);
  double p_max = 0.2;
  /// Thresholds hold at this port rate and grow in proportion to the rate; 0 = fixed thresholds.
  BitRate reference_rate = BitRate::gbps(100);
  std::string priorities = "all";  ///< That mark, for example "3 4".
  std::string by_priority;  ///< Own thresholds: "3:100KB:400KB:0.1", see models/ecn_rules.hpp.
};

enum class PfcThreshold : std::uint8_t { kDynamic, kStatic };
enum class HeadroomRule : std::uint8_t { kComputed, kThreeDelays };
enum class WatchdogAction : std::uint8_t { kDrop, kForward };

/// What to do with an egress queue that its peer keeps paused (models/pfc_watchdog.hpp).
struct WatchdogParams {
  bool enabled = false;
  Duration detection = Duration::ms(200);    ///< Paused this long without a break: stuck.
  Duration restoration = Duration::ms(200);  ///< Not paused this long: no longer stuck.
  WatchdogAction action = WatchdogAction::kDrop;
};

/// Priority flow control (802.1Qbb) driven by ingress accounting.
struct PfcParams {
  bool enabled = true;
  std::string priorities = "3";  ///< Lossless priorities, for example "3" or "3 4".
  PfcThreshold threshold = PfcThreshold::kDynamic;
  double alpha = 0.125;  ///< Dynamic threshold: xoff = alpha * free shared buffer.
  /// Faster ports than this have their alpha doubled for each doubling; 0 = all the same.
  BitRate alpha_reference_rate{};
  Bytes xoff = Bytes(204'800);  ///< Static threshold: pause above, per (port, priority).
  Bytes xon = Bytes(163'840);   ///< Static threshold: resume below.
  Bytes reserve = Bytes(4096);  ///< Guaranteed per (port, lossless priority).
  Bytes headroom{};             ///< Per (port, lossless priority); 0 = by headroom_rule.
  HeadroomRule headroom_rule = HeadroomRule::kComputed;
  Bytes resume_offset = Bytes(3072);  ///< xon = xoff - resume_offset.
  Bytes frame = Bytes(64);            ///< Pause frame on the wire.
  WatchdogParams watchdog;
};

/// Instead of dropping a lossy data packet: send its header on, in a better queue.
struct TrimmingParams {
  bool enabled = false;
  Bytes size = Bytes(64);     ///< What is left of the packet.
  std::int64_t priority = 5;  ///< Of what is left.
  Bytes threshold{};          ///< Egress queue from which packets are trimmed; 0 = when they would
                              ///< be dropped.
};

enum class Forwarding : std::uint8_t { kStoreAndForward, kCutThrough };

struct SwitchParams {
  Bytes buffer = Bytes::mebi(32);
  std::int64_t max_ports = 0;            ///< Ports the chip can have; 0 = any number.
  BitRate capacity{};                    ///< Sum of port rates the chip can have; 0 = any.
  Duration latency = Duration::ns(400);  ///< Pipeline: last bit in to ready for the egress queue.
  Forwarding forwarding = Forwarding::kStoreAndForward;
  Bytes cut = Bytes(64);  ///< Cut-through: bytes that must be there before forwarding starts.
  std::int64_t int_multiplier = 0;  ///< Of the units of in-band telemetry; 0 = from the NIC rate.
  double lossy_alpha = 1.0;         ///< Dynamic threshold of a lossy egress queue.
  Bytes lossy_reserve{};            ///< Guaranteed per (egress port, lossy priority).
  Bytes lossy_port_limit{};         ///< Lossy packets find a port with more bytes full; 0 = none.
  std::int64_t strict_from = 6;     ///< Priorities >= this are strict, higher number first.
  std::string dwrr_weights = "1 1 1 1 1 1 1 1";  ///< Of the priorities below strict_from.
  EcnParams ecn;
  PfcParams pfc;
  LoadBalancingParams load_balancing;
  TrimmingParams trimming;
};

/// No egress port queues more than this, and no ingress is counted higher: their counters have 32
/// bits. Buffers may be larger.
constexpr std::int64_t kMostQueued = (std::int64_t{1} << 31) - (std::int64_t{1} << 25);

void describe(ParamVisitor& visitor, EcnParams& params);
void describe(ParamVisitor& visitor, WatchdogParams& params);
void describe(ParamVisitor& visitor, PfcParams& params);
void describe(ParamVisitor& visitor, TrimmingParams& params);
void describe(ParamVisitor& visitor, SwitchParams& params);

/// The key `preset`: buffer, latency and size of a switch chip by its name. switch_presets.cpp.
void visit_switch_presets(ParamVisitor& visitor, SwitchParams& params);

/// Bit set of the priorities named in `text` ("3", "3 4"); @throws UserError on anything else.
std::uint8_t parse_priority_set(const std::string& text);

}  // namespace plait
