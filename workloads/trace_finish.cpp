// SPDX-License-Identifier: Apache-2.0
#include "workloads/trace_finish.hpp"

#include <utility>

#include "workloads/message_tags.hpp"
#include "workloads/op_order.hpp"
#include "workloads/workload_check.hpp"

namespace plait {

Workload finish_trace(Workload workload, const std::string& where) {
  check_workload(workload, where);
  return order_across_ranks(compact_tags(std::move(workload)));
}

}  // namespace plait
