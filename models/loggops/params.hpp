// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file params.hpp
/// Parameters of the LogGOPS model: Hoefler, Schneider and Lumsdaine, "LogGOPSim - Simulating
/// Large-Scale Applications in the LogGOPS Model", HPDC 2010. Rules: docs/models/loggops.md.

#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

struct LogGopsParams {
  Duration latency = Duration::ns(2'500);   ///< L: first byte from host to host.
  Duration overhead = Duration::ns(1'500);  ///< o: CPU time of a send or of a receipt.
  Duration gap = Duration::ns(1'000);       ///< g: between messages of one NIC.
  Duration gap_per_byte = Duration::ns(6);  ///< G: NIC time of each byte but the first.
  Duration overhead_per_byte = Duration{};  ///< O: CPU time of each byte but the first.
  Bytes rendezvous_above = Bytes(65'535);   ///< S: larger messages wait for their receive.
};

void describe(ParamVisitor& visitor, LogGopsParams& params);

}  // namespace plait
