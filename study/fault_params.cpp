// SPDX-License-Identifier: Apache-2.0
// The keys of an item of `faults`.
#include "study/faults.hpp"

namespace plait {

void describe(ConfigVisitor& v, FaultSpec& p) {
  const Duration latest = FaultSpec::kForEver;
  v.field({"at", "when it happens", "with the start of the run"}, p.at, {Duration(), latest});
  v.choice({"action", "what happens", "Plait's choice"}, p.action,
           {{"down", "a link or NIC carries nothing"},
            {"up", "ends a `down` without `for` of the same link or NIC"},
            {"flap", "a link or NIC goes down and up again and again"},
            {"degrade", "a link or NIC runs at a lower rate"},
            {"bit_errors", "a link or NIC receives bits wrong"},
            {"reboot", "a switch loses its packets, and its links are down"},
            {"slow", "a host computes more slowly"}});
  v.field(
      {"link",
       "cables between two nodes, as A:B; A:B#k takes the k-th of several, from 0, as the ports "
       "of A are numbered",
       "none"},
      p.link);
  v.field({"switch", "switch that reboots", "none"}, p.switch_name);
  v.field({"host", "host that is slow, or whose NICs are meant", "none"}, p.host);
  v.field({"nic", "number of the host's NIC port; -1: all of them", "Plait's choice"}, p.nic,
          {-1, 65'535});
  v.field({"for", "how long it lasts; the default, 100 days, means for ever", "for ever"}, p.length,
          {Duration(), latest});
  v.field({"down_for", "flap: how long the link is down each time", "none"}, p.down_for,
          {Duration(), latest});
  v.field({"up_for", "flap: how long it is up after that", "none"}, p.up_for, {Duration(), latest});
  v.field({"count", "flap: how often", "once"}, p.count, {1, 10'000});
  v.field({"rate", "degrade: rate of each direction meanwhile", "none"}, p.rate,
          {BitRate(), BitRate::gbps(100'000)});
  v.field({"bit_error_rate",
           "bit_errors: probability that a bit is received wrong; a frame with a wrong bit is lost",
           "none"},
          p.bit_error_rate, {0.0, 1e-3});
  v.field({"factor", "slow: factor on the duration of compute ops that start meanwhile", "neutral"},
          p.factor, {1, 1e6});
}

}  // namespace plait
