// SPDX-License-Identifier: Apache-2.0
#include "models/egress_port.hpp"

#include <sstream>

#include "sim/error.hpp"

namespace plait {

namespace {
// Bytes per round and unit of weight: a jumbo frame. Larger packets wait for several rounds.
constexpr std::int32_t kQuantum = 9216;
}  // namespace

EgressScheduler::EgressScheduler(const SwitchParams& params) {
  for (unsigned q = static_cast<unsigned>(params.strict_from); q < kQueues; ++q)
    strict_mask_ |= 1U << q;
  strict_mask_ |= 1U << kPfcQueue;
  std::istringstream in(params.dwrr_weights);
  int weight = 0;
  unsigned read = 0;
  while (read < kPriorities && in >> weight && weight >= 1 && weight <= 1000)
    quantum_[read++] = weight * kQuantum;
  std::string rest;
  in.clear();
  if (read != kPriorities || in >> rest)
    throw UserError("'" + params.dwrr_weights +
                    "' is not eight whole numbers from 1 to 1000 separated by spaces");
}

}  // namespace plait
