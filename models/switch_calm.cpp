// SPDX-License-Identifier: Apache-2.0
// The fast path of a visit: port by port instead of in order of arrival.
//
// Why it gives the same bytes. Ports meet only in the shared buffer, and the buffer acts on them
// only by a drop, a trim, a pause or a resume. is_calm() proves that none of these can happen in
// this visit, whatever leaves meanwhile:
// - No ingress is paused, so nothing can be resumed; no pause frame arrives, so `paused` of the
//   ports is constant; faults, losses, the watchdog and ties by order of posting are excluded.
// - At any arrival an ingress holds at most what it held before the visit and all that arrives
//   there in it, and S has grown by at most all arrivals. If even these bounds let a packet in
//   without a pause, so does the true state, because the rules are monotone in both
//   (SharedBuffer::stays_quiet). The same for lossy queues and port limits with what arrives for an
//   egress port. Mostly there is room for all arrivals behind any one ingress and for any one
//   egress port; then nobody has to know how they are spread (has_room_for_all).
// - Trimming above the threshold looks at the packet's own egress port and leaves less than these
//   bounds count, so the port decides it for itself (only lossy packets are trimmed, and those are
//   never paused); but not where loads have been drawn with the whole packet, nor where a packet is
//   trimmed that is alone in its queue.
// - All routes are known before the first departure, those by load too (models/switch_routes.cpp).
// Then each port alone sees its arrivals and departures in the same order as on the plain path, and
// the buffer's counters at the end of the visit do not depend on the order of entering and leaving
// (S is a function of the counters). Random draws are numbered per port.
// How a port is served: models/switch_by_port.cpp.
#include <algorithm>

#include "models/switch.hpp"

namespace plait {

// Leaves the routes of a calm visit in the batch's groups.
bool Switch::is_calm(const Window& window) {
  constexpr std::size_t kFew = 8;  // arrivals for which the plain path is as fast
  const SwitchScratch& survey = scratch_->survey;
  const ArrivalBatch<Packet>& batch = scratch_->batch;
  if (!may_be_calm_ || survey.odd || batch.size() < kFew || buffer_.paused_count() != 0 ||
      !batch.fits_groups(port_count_))
    return false;
  const bool room_for_all = has_room_for_all();
  if (!room_for_all && !ingresses_stay_quiet()) return false;
  if (!routes_known_ && !draw_routes(window)) return false;
  if (room_for_all || egresses_stay_quiet()) return true;
  take_back_routes();
  return false;
}

// Whether all arrivals could come through any one port and go to any one.
bool Switch::has_room_for_all() const {
  const std::int64_t bytes = scratch_->survey.bytes;
  return buffer_.most_held() + bytes <= most_queued_ && buffer_.all_stay_quiet(bytes);
}

bool Switch::ingresses_stay_quiet() const {
  SwitchScratch& survey = scratch_->survey;
  const ArrivalBatch<Packet>& batch = scratch_->batch;
  std::vector<std::int64_t>& from = survey.by_port;
  from.assign(port_count_, 0);
  for (std::uint32_t i = 0; i < batch.size(); ++i) {
    const Packet& packet = batch.item(i);
    if (buffer_.lossless(packet.priority())) from[batch.channel(i)] += packet.wire_bytes;
  }
  for (std::uint32_t p = 0; p < port_count_; ++p)
    if (from[p] != 0 && !buffer_.stays_quiet(p, from[p], survey.bytes)) return false;
  return true;
}

bool Switch::egresses_stay_quiet() const {
  SwitchScratch& survey = scratch_->survey;
  const ArrivalBatch<Packet>& batch = scratch_->batch;
  std::vector<std::int64_t>& to = survey.by_port;
  to.assign(port_count_, 0);
  for (std::uint32_t i = 0; i < batch.size(); ++i) to[batch.group(i)] += batch.item(i).wire_bytes;
  for (std::uint32_t p = 0; p < port_count_; ++p) {
    if (to[p] == 0) continue;
    // All queues of the port together bound each of them.
    const std::int64_t queued = ports_[p].queue_bytes + to[p];
    if (queued > most_queued_ || !buffer_.lossy_stays_below(queued, survey.bytes)) return false;
  }
  return true;
}

}  // namespace plait
