// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file htsim_model.hpp
/// htsim's lossless RoCE in Plait's parameters: 4096 B and a header of 64 B, ACKs of 64 B in the
/// queue of the data, PFC at fixed thresholds of ingress bytes, no marking, no congestion control.

#include <cstdint>

#include "models/simulation.hpp"
#include "topologies/generator.hpp"

namespace plait::validation {

/// 100 Gbps and 1 us everywhere, one GPU and one NIC per host.
FabricParts htsim_parts();

NetworkParams htsim_roce(std::uint64_t seed);

/// Every packet is full there, also the last one.
Bytes htsim_padded(Bytes size);

/// (n - 1) s + L (s + 1 us) + L (a + 1 us): n packets of s = 332.8 ns follow each other to the
/// first switch, the last one crosses L links, and so does its ACK of a = 5.12 ns.
Duration htsim_single_flow(Bytes padded, std::int64_t links);

/// Flows of `padded` bytes that the fullest link of a run carried.
/// @pre no link carries the ACKs of 65 flows, which would count as one more.
std::int64_t htsim_fullest_link(const RunRecords& records, Bytes padded);

/// The most flows of `padded` bytes, all started at once, that can have shared a link if the last
/// one ended at `last`: the link alone needs n s for each.
std::int64_t htsim_most_sharing(Duration last, Bytes padded);

}  // namespace plait::validation
