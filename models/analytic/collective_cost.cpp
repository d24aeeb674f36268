// SPDX-License-Identifier: Apache-2.0
#include "models/analytic/collective_cost.hpp"

#include <algorithm>
#include <bit>

#include "models/analytic/custom_cost.hpp"
#include "sim/check.hpp"

namespace plait {

namespace {

// What a call makes of each rank: steps one after another, and bytes through its ports.
struct Work {
  std::int64_t steps_intra = 0, steps_inter = 0;
  Bytes intra{}, inter{};
};

// Ring algorithms cross between hosts once a round for each host, and every link carries the same.
Work on_ring(std::int64_t members, std::int64_t hosts, std::int64_t rounds, Bytes link_bytes) {
  Work work;
  work.steps_inter = hosts > 1 ? rounds * hosts / members : 0;
  work.steps_intra = rounds - work.steps_inter;
  work.intra = members > hosts ? link_bytes : Bytes{};
  work.inter = hosts > 1 ? link_bytes : Bytes{};
  return work;
}

// Most bytes that a rank sends or receives in an uneven all-to-all, less what it keeps.
Bytes largest_exchange(const ByteMatrix& matrix) {
  Bytes most;
  for (std::uint32_t i = 0; i < matrix.positions(); ++i)
    most = std::max(most, std::max(matrix.sent_by(i), matrix.received_by(i)) - matrix.at(i, i));
  return most;
}

// One message to, or from, every other member.
Work exchange(std::int64_t members, std::int64_t hosts, Bytes bytes_in_all) {
  const std::int64_t largest_host = (members + hosts - 1) / hosts;
  Work work;
  work.steps_intra = largest_host - 1;
  work.steps_inter = members - largest_host;
  work.intra = bytes_in_all * work.steps_intra / (members - 1);
  work.inter = bytes_in_all - work.intra;
  return work;
}

// All messages of a phase leave at once: one step of the longest way.
void send_at_once(CollectiveKind kind, std::int64_t hosts, Work& work) {
  const std::int64_t phases = kind == CollectiveKind::kAllReduce ? 2 : 1;
  work.steps_intra = hosts > 1 ? 0 : phases;
  work.steps_inter = hosts > 1 ? phases : 0;
}

Work work_of(const JobContext& job, const JobGroup& group, const Op& op) {
  const auto n = static_cast<std::int64_t>(group.ranks.size());
  const auto hosts = static_cast<std::int64_t>(group.choices->layout().hosts.size());
  switch (op.collective) {
    case CollectiveKind::kAllReduce:
      return on_ring(n, hosts, 2 * (n - 1), op.size * (2 * (n - 1)) / n);
    case CollectiveKind::kReduceScatter:
      return on_ring(n, hosts, n - 1, op.size * (n - 1) / n);
    case CollectiveKind::kAllGather:
      return on_ring(n, hosts, n - 1, op.size * (n - 1));
    case CollectiveKind::kBroadcast:
    case CollectiveKind::kReduce:
      return on_ring(n, hosts, n - 1, op.size);
    case CollectiveKind::kAllToAll:
      if (op.matrix != Op::kNoMatrix)
        return exchange(n, hosts, largest_exchange(job.matrix(op.matrix)));
      return exchange(n, hosts, op.size * (n - 1) / n);
    case CollectiveKind::kGather:
    case CollectiveKind::kScatter:
      return exchange(n, hosts, op.size * (n - 1));
    case CollectiveKind::kBarrier: {
      const auto rounds = static_cast<std::int64_t>(std::bit_width(group.ranks.size() - 1));
      return hosts > 1 ? Work{0, rounds, {}, {}} : Work{rounds, 0, {}, {}};
    }
  }
  PLAIT_CHECK(false, "unknown collective");
}

}  // namespace

Duration collective_cost(const JobContext& job, const JobGroup& group, const Op& op,
                         const GroupFlights& flights) {
  const CollectiveChoice choice = job.choose(group, op);
  if (group.ranks.size() == 1) return choice.launch;
  if (choice.custom != nullptr) return custom_cost(job, group, op, choice, flights);
  const auto nccl =
      nccl_time(op.collective, op.size, group.choices->nccl(), {choice.algorithm, choice.protocol});
  if (nccl) return *nccl;
  Work work = work_of(job, group, op);
  if (choice.algorithm == CollectiveAlgorithm::kDirect && choice.window == 0)
    send_at_once(op.collective, static_cast<std::int64_t>(group.choices->layout().hosts.size()),
                 work);
  const CollectiveFacts& facts = job.facts();
  Duration bytes_time;
  if (work.intra > Bytes{}) bytes_time = transmission_time(work.intra, facts.scale_up);
  if (work.inter > Bytes{}) {
    // The rings, or the peers, of the members of a host share its NICs.
    const auto largest =
        static_cast<std::int64_t>((group.ranks.size() + group.choices->layout().hosts.size() - 1) /
                                  group.choices->layout().hosts.size());
    const bool ring = op.collective != CollectiveKind::kAllToAll &&
                      op.collective != CollectiveKind::kGather &&
                      op.collective != CollectiveKind::kScatter;
    const auto nics = static_cast<std::int64_t>(group.choices->nccl().nics);
    const Bytes through_a_nic = (ring ? work.inter : work.inter * largest) / nics;
    bytes_time = std::max(bytes_time, transmission_time(through_a_nic, facts.nic));
  }
  return choice.launch + work.steps_intra * (choice.step_intra + flights.intra) +
         work.steps_inter * (choice.step_inter + flights.inter) + bytes_time;
}

}  // namespace plait
