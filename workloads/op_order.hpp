// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file op_order.hpp
/// In-order streams are safe only if no rank queues an op behind one that, through other ranks,
/// waits for it. A file's order need not be so: generated traces list ops in any order and give no
/// dependency between, say, sending activations and receiving the gradients that result.

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

}  // namespace plait
