// SPDX-License-Identifier: Apache-2.0
#include "models/shared_gpu.hpp"

#include <algorithm>
#include <utility>

#include "sim/check.hpp"

namespace plait {

namespace {

// Bits 48-55 of a token, which processes leave free, hold the number of the seat.
constexpr unsigned kSeatShift = 48;
constexpr std::uint64_t kSeatMask = std::uint64_t{0xff} << kSeatShift;
// A start that is still to come; no process uses these upper bits.
constexpr std::uint64_t kStart = std::uint64_t{0xff} << 56;

std::size_t seat_of(std::uint64_t token) { return token >> kSeatShift & 0xffU; }

}  // namespace

std::uint64_t SharedGpu::Seat::mark(std::uint64_t token) const {
  PLAIT_CHECK((token & kSeatMask) == 0 && (token & kStart) != kStart,
              "a process uses bits of its tokens that belong to the seat");
  return token | std::uint64_t{number_} << kSeatShift;
}

void SharedGpu::Seat::send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) {
  PLAIT_CHECK_LT(key.stream, tenant_.range.count);
  host_->send(now, {key.from, key.to, key.stream + tenant_.range.first}, size, mark(token));
}

void SharedGpu::Seat::call_at(SimTime at, GpuId gpu, std::uint64_t token) {
  host_->call_at(at, gpu, mark(token));
}

void SharedGpu::Seat::join_collective(SimTime now, const CollectiveJoin& join) {
  CollectiveJoin marked = join;
  marked.token = mark(join.token);
  host_->join_collective(now, marked);
}

void SharedGpu::add(std::unique_ptr<RankProcess> process, StreamRange range, SimTime start,
                    bool background) {
  PLAIT_CHECK_LT(seats_.size(), kMaxProcesses);
  PLAIT_CHECK(range.first % 2 == 0, "parity tells collectives from messages");
  for (const auto& seat : seats_) {
    const StreamRange& other = seat->tenant().range;
    PLAIT_CHECK(
        range.first + range.count <= other.first || other.first + other.count <= range.first,
        "two processes of a GPU have the same message streams");
  }
  seats_.push_back(std::make_unique<Seat>(static_cast<std::uint32_t>(seats_.size()),
                                          Tenant{std::move(process), range, start, background}));
}

SimTime SharedGpu::first_start() const {
  SimTime first = SimTime::never();
  for (const auto& seat : seats_) first = std::min(first, seat->tenant().start);
  return first;
}

void SharedGpu::on_start(SimTime now, HostServices& host) {
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    Seat& seat = *seats_[i];
    seat.open(host);
    if (seat.tenant().start <= now)
      seat.process().on_start(now, seat);
    else
      host.call_at(seat.tenant().start, gpu_, kStart | static_cast<std::uint64_t>(i) << kSeatShift);
  }
}

void SharedGpu::on_timer(SimTime now, std::uint64_t token) {
  Seat& seat = *seats_[seat_of(token)];
  if ((token & kStart) == kStart)
    seat.process().on_start(now, seat);
  else
    seat.process().on_timer(now, token & ~kSeatMask);
}

void SharedGpu::on_sent(SimTime now, std::uint64_t token) {
  seats_[seat_of(token)]->process().on_sent(now, token & ~kSeatMask);
}

void SharedGpu::on_delivered(SimTime now, const MessageKey& key, Bytes size) {
  const auto owner = std::find_if(seats_.begin(), seats_.end(), [&](const auto& seat) {
    return seat->tenant().range.contains(key.stream);
  });
  if (owner == seats_.end()) return;  // sent to a GPU on which that job has no rank
  Seat& seat = **owner;
  const std::uint32_t own_stream = key.stream - seat.tenant().range.first;
  seat.process().on_delivered(now, {key.from, key.to, own_stream}, size);
}

bool SharedGpu::finished() const {
  return std::all_of(seats_.begin(), seats_.end(), [](const auto& seat) {
    return seat->tenant().background || seat->tenant().process->finished();
  });
}

bool SharedGpu::background() const {
  return std::all_of(seats_.begin(), seats_.end(),
                     [](const auto& seat) { return seat->tenant().background; });
}

bool SharedGpu::has_background() const {
  return std::any_of(seats_.begin(), seats_.end(),
                     [](const auto& seat) { return seat->tenant().background; });
}

}  // namespace plait
