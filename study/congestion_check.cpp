// SPDX-License-Identifier: Apache-2.0
#include "study/congestion_check.hpp"

#include <fmt/format.h>

#include "sim/error.hpp"

namespace plait {

namespace {

bool reads_marks(CcKind kind) { return kind == CcKind::kDcqcn || kind == CcKind::kDctcp; }

/// What fewer ACKs than packets do to the algorithm; empty: nothing.
std::string effect_of_few_acks(CcKind kind) {
  switch (kind) {
    case CcKind::kNone:
    case CcKind::kDcqcn:
      return "";
    case CcKind::kDctcp:
      return "a mark counts for every packet that its ACK covers, so the rate is cut too far";
    case CcKind::kHpcc:
      return "only packets that cause an ACK report their queues, so the rate reacts later";
    case CcKind::kTimely:
    case CcKind::kSwift:
      return "only packets that cause an ACK are timed, so the rate reacts later";
  }
  return "";
}

}  // namespace

std::vector<std::string> congestion_warnings(const Scenario& scenario,
                                             const NetworkParams& params) {
  const TransportParams& transport = params.transport;
  const CcKind kind = transport.congestion_control.kind;
  if (kind == CcKind::kDctcp && transport.cnp_mode != CnpMode::kAckEcho)
    throw UserError(scenario.where("transport.cnp_mode"),
                    "transport.cnp_mode: congestion control dctcp counts marked packets, so every "
                    "ACK must tell; set it to ack_echo");
  std::vector<std::string> warnings;
  if (reads_marks(kind) && !params.switches.ecn.enabled)
    warnings.push_back(
        scenario.at("fabric.switch.ecn.enabled",
                    "the congestion control reacts to marks only, and no switch marks: "
                    "every flow stays at line rate"));
  const std::string effect = effect_of_few_acks(kind);
  if (transport.ack_interval > 1 && !effect.empty())
    warnings.push_back(
        scenario.at("transport.ack_interval",
                    fmt::format("with one ACK per {} packets {}", transport.ack_interval, effect)));
  return warnings;
}

}  // namespace plait
