// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file dctcp.hpp
/// DCTCP for an RDMA sender: once per round trip the share of marked packets moves an estimate, and
/// a mark cuts the rate by half that estimate. Sources: RFC 8257 and Alizadeh et al., "Data Center
/// TCP (DCTCP)", SIGCOMM 2010 (symbols in brackets), in the rate-and-window form that the HPCC
/// artefact's ns-3 code computes. Equations and deviations: docs/models/dctcp.md.
///
/// Needs marks per ACK: transport.cnp_mode ack_echo.

#include <memory>

#include "models/cc/congestion_control.hpp"

namespace plait {

/// Defaults are the `rfc8257` preset.
struct DctcpParams {
  double gain = 1.0 / 16;       ///< [g] weight of a new sample of alpha.
  BitRate additive_step{};      ///< Per round trip; 0 = one packet per base RTT.
  BitRate min_rate{};           ///< 0 = one packet per base RTT.
  bool loss_cut = true;         ///< A loss halves the rate, at most once per round trip.
  Duration base_rtt{};          ///< 0 = of the path.
  Bytes window{};               ///< At line rate; 0 = line rate times base RTT.
  bool variable_window = true;  ///< The window is proportional to the rate.
};
void describe(ParamVisitor& visitor, DctcpParams& params);

/// The preset rfc8257 or ns3. @throws UserError naming the nearest one.
DctcpParams dctcp_preset(std::string_view name);

/// @param params must outlive the result (shared by all flows of a run).
std::unique_ptr<CongestionControl> make_dctcp(const PathInfo& path, const DctcpParams& params);

}  // namespace plait
