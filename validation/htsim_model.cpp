// SPDX-License-Identifier: Apache-2.0
#include "validation/htsim_model.hpp"

#include <algorithm>

namespace plait::validation {

namespace {

const Bytes kPayload(4096), kHeader(64), kAck(64);
const BitRate kRate = BitRate::gbps(100);
const Duration kDelay = Duration::us(1);

}  // namespace

FabricParts htsim_parts() {
  FabricParts parts;
  parts.host = {1, 1};
  parts.host_link = {kRate, kDelay};
  parts.fabric_link = {kRate, kDelay};
  return parts;
}

NetworkParams htsim_roce(std::uint64_t seed) {
  NetworkParams p;
  p.seed = seed;
  p.switches.latency = Duration();
  p.switches.buffer = Bytes::mebi(1000);  // never limits
  p.switches.ecn.enabled = false;
  p.switches.pfc.threshold = PfcThreshold::kStatic;
  p.switches.pfc.xoff = kPayload * 50;
  p.switches.pfc.xon = kPayload * 40;
  p.switches.pfc.frame = Bytes(0);  // only the cable delays it
  p.transport.mtu = kPayload;
  p.transport.header = kHeader;
  p.transport.ack = kAck;
  p.transport.gap = Bytes(0);
  p.transport.control_priority = p.transport.data_priority;
  p.transport.rto = Duration::s(100);  // it has no timeout
  p.transport.congestion_control.kind = CcKind::kNone;
  p.transport.congestion_control.none.bdp_multiple = 0;
  return p;
}

Bytes htsim_padded(Bytes size) {
  return kPayload * ((size.count() + kPayload.count() - 1) / kPayload.count());
}

Duration htsim_single_flow(Bytes padded, std::int64_t links) {
  const Duration data = transmission_time(kPayload + kHeader, kRate);
  const Duration ack = transmission_time(kAck, kRate);
  return data * (padded.count() / kPayload.count() - 1) + links * (data + kDelay) +
         links * (ack + kDelay);
}

std::int64_t htsim_fullest_link(const RunRecords& records, Bytes padded) {
  const Bytes flow = (kPayload + kHeader) * (padded.count() / kPayload.count());
  std::int64_t most = 0;
  for (const LinkRecord& link : records.links)
    most = std::max(most, link.wire_bytes.count() / flow.count());
  return most;
}

std::int64_t htsim_most_sharing(Duration last, Bytes padded) {
  const Duration share =
      transmission_time(kPayload + kHeader, kRate) * (padded.count() / kPayload.count());
  return last.ps() / share.ps();
}

}  // namespace plait::validation
