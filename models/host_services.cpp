// SPDX-License-Identifier: Apache-2.0
#include "models/host_services.hpp"

#include "sim/check.hpp"

namespace plait {

void HostServices::join_collective(SimTime, const CollectiveJoin&) {
  PLAIT_CHECK(false, "this network moves the messages of collectives and has no price for them");
}

void HostServices::send_in_switch(SimTime, const SwitchTransfer&) {
  PLAIT_CHECK(false, "this network has no switch that reduces");
}

}  // namespace plait
