// SPDX-License-Identifier: Apache-2.0
#include "models/transport_params.hpp"

namespace plait {

void describe(ParamVisitor& v, TransportParams& p) {
  v.field({"mtu", "payload bytes of a full packet", "InfiniBand path MTU 4096"}, p.mtu,
          {Bytes(64), Bytes(60'000)});
  v.field({"header", "bytes around the payload of a data frame",
           "Ethernet 14, IPv4 20, UDP 8, BTH 12, ICRC 4, FCS 4"},
          p.header, {Bytes(0), Bytes(1000)});
  v.field({"ack", "bytes of an ACK or NACK frame", "header 62 and AETH 4"}, p.ack,
          {Bytes(1), Bytes(1500)});
  v.field({"cnp", "bytes of a congestion notification frame", "header 62 and 16 reserved bytes"},
          p.cnp, {Bytes(1), Bytes(1500)});
  v.field({"int_header",
           "telemetry bytes on every data and ACK frame; only with a congestion control that reads "
           "telemetry",
           "HPCC artefact: five hops of 8 bytes, and a counter of 2"},
          p.int_header, {Bytes(0), Bytes(1000)});
  v.field({"gap", "preamble and inter-frame gap of every frame", "IEEE 802.3: 8 and 12 bytes"},
          p.gap, {Bytes(0), Bytes(100)});
  v.field({"data_priority", "priority of data packets", "common practice for RoCE"},
          p.data_priority, {0, 7});
  v.field({"control_priority", "priority of ACK, NACK and CNP", "ConnectX CNP_802P_PRIO 6"},
          p.control_priority, {0, 7});
  v.field({"control_obeys_pause", "a pause of the control priority holds back ACKs at the NIC",
           "IEEE 802.1Qbb"},
          p.control_obeys_pause);
  v.field({"ack_interval", "packets per ACK; the last packet of a message always has one",
           "Plait's choice: per packet"},
          p.ack_interval, {1, 1024});
  v.field({"nack_interval", "least time between two NACKs for the same missing packet",
           "HPCC artefact, 500 us"},
          p.nack_interval, {Duration::ps(0), Duration::s(1)});
  v.field({"rto", "time without progress after which the sender goes back to the oldest packet",
           "Plait's choice; an InfiniBand timeout of 8 is 1.05 ms"},
          p.rto, {Duration::us(1), Duration::s(100)});
  v.choice({"cnp_mode", "how a congestion mark travels back to the sender", "RoCEv2 annex A17"},
           p.cnp_mode,
           {{"packet", "a CNP frame per flow, at most one per cnp_interval"},
            {"ack_echo", "every ACK says whether its packet was marked", "ns-3 RDMA models"}});
  v.field({"cnp_interval", "least time between two CNPs of one flow",
           "ConnectX MIN_TIME_BETWEEN_CNPS 4 us"},
          p.cnp_interval, {Duration::ps(0), Duration::ms(100)});
  nested(v, {"entropy", "spreading of one flow over equal-cost paths by its sender", ""},
         p.entropy);
  nested(v, {"congestion_control", "rate or window of every flow", ""}, p.congestion_control);
}

void describe(ParamVisitor& v, WireParams& p) {
  v.field({"clock", "serialisation times are rounded to the nearest multiple of this",
           "1 ps is exact; 1 ns reproduces ns-3 with its default clock"},
          p.clock, {Duration::ps(1), Duration::ns(100)});
  v.field({"loss", "probability that a frame is lost on one link; pause frames are never lost",
           "no loss"},
          p.loss, {0.0, 0.5});
}

}  // namespace plait
