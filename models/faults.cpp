// SPDX-License-Identifier: Apache-2.0
#include "models/faults.hpp"

namespace plait {

void describe(ParamVisitor& v, RoutingParams& p) {
  v.field({"detection",
           "after a cable failed or came back, time until the switches at its ends leave that port "
           "out of, or take it back into, the next hops they choose from",
           "RFC 7938 section 7.1: milliseconds where the interface reports the failure"},
          p.detection, {Duration(), Duration::s(10'000)});
  v.field({"convergence",
           "after a cable failed or came back, time until all switches have the routes of the new "
           "fabric",
           "Plait's choice; RFC 7938 section 7: below a second"},
          p.convergence, {Duration(), Duration::s(10'000)});
}

}  // namespace plait
