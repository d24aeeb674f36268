// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file op_order.hpp
/// In-order streams are safe only if no rank queues an op behind one that, through other ranks,
/// waits for it. A file's order need not be so: generated traces list ops in any order and give no
/// dependency between, say, sending activations and receiving the gradients that result.

#include <optional>
#include <vector>

#include "workloads/op_graph.hpp"

namespace plait {

/// If the streams as they are can deadlock, reorders each rank's ops (which keep their source ids)
/// to agree with one order of all ops of all ranks in which an op comes after its dependencies, a
/// recv after its send, and a collective after all that any of its members must do before. Messages
/// of one (source, destination, tag) and collectives of one group keep their order; other ops that
/// may go go by their place in the rank. Otherwise returns the workload unchanged, and so it does
/// when no order helps (a true deadlock), which running the workload reports.
/// @pre check_workload() passes.
Workload order_across_ranks(Workload workload);

/// An op that can never start, in whatever order the ranks' ops are taken.
struct StuckOp {
  RankId rank;
  OpId op;
};

/// All of them; empty if the workload can run to its end. @pre as order_across_ranks().
std::vector<StuckOp> find_stuck_ops(const Workload& workload);

/// Longest chain of recorded durations through dependencies, streams, messages and collectives of
/// all ranks, the network taking no time: no run of the workload can end earlier. Nothing if its
/// streams can deadlock or ops wait for starts. @pre as order_across_ranks().
std::optional<Duration> critical_path_across_ranks(const Workload& workload);

}  // namespace plait
