// SPDX-License-Identifier: Apache-2.0
#include "models/loggops/params.hpp"

namespace plait {

void describe(ParamVisitor& visitor, LogGopsParams& params) {
  const std::string_view source = "LogGOPSim's default";
  const Range<Duration> per_message{Duration{}, Duration::s(1)};
  const Range<Duration> per_byte{Duration{}, Duration::us(1)};
  visitor.field({"latency", "L: time of a message's first byte from host to host", source},
                params.latency, per_message);
  visitor.field({"overhead", "o: CPU time of a send, and of a receipt", source}, params.overhead,
                per_message);
  visitor.field({"gap", "g: shortest time between two messages of one NIC", source}, params.gap,
                per_message);
  visitor.field({"gap_per_byte", "G: time on the NIC of each byte after the first", source},
                params.gap_per_byte, per_byte);
  visitor.field({"overhead_per_byte", "O: time on the CPU of each byte after the first", source},
                params.overhead_per_byte, per_byte);
  visitor.field(
      {"rendezvous_above",
       "S: the send of a larger message ends only when its receive has been posted", source},
      params.rendezvous_above, {Bytes(0), Bytes::gibi(1'000'000)});
}

}  // namespace plait
