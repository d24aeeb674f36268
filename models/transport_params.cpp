// SPDX-License-Identifier: Apache-2.0
#include "models/transport_params.hpp"

#include "models/packet.hpp"

namespace plait {

Bytes encapsulation_bytes(Encapsulation encapsulation) {
  switch (encapsulation) {
    case Encapsulation::kIpv4:
      return Bytes(0);
    case Encapsulation::kIpv6:
      return Bytes(40 - 20);
    case Encapsulation::kVxlan:
      return Bytes(14 + 20 + 8 + 8);
    case Encapsulation::kVxlanIpv6:
      return Bytes(14 + 40 + 8 + 8);
  }
  return {};
}

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
  v.choice({"encapsulation", "what carries the packet; its bytes are added to every frame",
            "RoCEv2 over IPv4"},
           p.encapsulation,
           {{"ipv4", "+0 bytes"},
            {"ipv6", "+20 bytes: IPv6 40 for IPv4 20", "RFC 8200"},
            {"vxlan", "+50 bytes: outer Ethernet 14, IPv4 20, UDP 8, VXLAN 8", "RFC 7348"},
            {"vxlan_ipv6", "+70 bytes: the same over outer IPv6 40", "RFC 7348"}});
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
  v.field(
      {"rto", "time without progress after which the sender repeats from the oldest packet on",
       "Plait's choice: longer than a full 32 MiB buffer takes to drain at 100 Gbps; NCCL 4.3 s"},
      p.rto, {Duration::us(1), TransportParams::kMaxRto});
  v.field({"rto_backoff", "factor on rto after each timeout without progress",
           "Plait's choice: seven retries outlast the default convergence of routes; InfiniBand "
           "itself has 1"},
          p.rto_backoff, {1.0, 8.0});
  v.field({"retry_limit",
           "timeouts in a row without progress that a queue pair survives; at the next it fails; "
           "0: it never gives up",
           "InfiniBand retry_cnt, at most 7; NCCL_IB_RETRY_CNT 7"},
          p.retry_limit, {0, 100});
  v.choice({"reliability", "how lost packets are sent again", "RoCEv2 NICs up to ConnectX-5"},
           p.reliability,
           {{"go_back_n", "the receiver drops what is out of order", "InfiniBand vol. 1 ch. 9"},
            {"selective_repeat", "the receiver keeps it, the sender repeats what is missing",
             "IRN, SIGCOMM 2018"}});
  v.field({"reorder_window",
           "selective repeat: a sender stays less than so many packets ahead of the oldest "
           "unacknowledged one (the receiver's bitmap)",
           "Plait's choice: 4 MiB at an MTU of 4096"},
          p.reorder_window, {2, 65'536});
  v.field(
      {"reorder_threshold",
       "selective repeat: a packet is lost when so many that were sent after it are "
       "acknowledged; reorder_window or more: never for that reason; 0: 1, or never where packets "
       "of one flow take several paths (also by short flowlets)",
       "IRN, SIGCOMM 2018: the first out of order"},
      p.reorder_threshold, {0, 65'536});
  v.field({"queue_pairs", "queue pairs of each connection", "NCCL_IB_QPS_PER_CONNECTION 1"},
          p.queue_pairs, {1, std::int64_t{kMaxQueuePairs}});
  v.choice({"striping", "how a connection uses several queue pairs", "Plait's choice"}, p.striping,
           {{"split", "each message over all of them", "NCCL_IB_SPLIT_DATA_ON_QPS 1"},
            {"round_robin", "whole messages in turn", "NCCL_IB_SPLIT_DATA_ON_QPS 0"}});
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
  v.choice({"tie_order", "what comes first when two things happen at the same time",
            "Plait's choice; the other one is for comparisons"},
           p.tie_order,
           {{"model", "arrivals by port, then departures"},
            {"posting",
             "as a simulator with one event list has it, NIC wake-ups as in the ns-3 RDMA models; "
             "slower"}});
  v.field({"loss", "probability that a frame is lost on one link; pause frames are never lost",
           "no loss"},
          p.loss, {0.0, 0.5});
  v.field({"bit_error_rate",
           "probability that a bit is received wrong, after error correction; a frame with a wrong "
           "bit is lost, pause frames never are",
           "no errors; IEEE 802.3bs asks for less than 1e-12"},
          p.bit_error_rate, {0.0, 1e-3});
}

}  // namespace plait
