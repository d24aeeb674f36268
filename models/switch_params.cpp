// SPDX-License-Identifier: Apache-2.0
#include "models/switch_params.hpp"

#include <sstream>

#include "sim/error.hpp"

namespace plait {

void describe(ParamVisitor& v, EcnParams& p) {
  v.field({"enabled", "mark packets at all", "RoCEv2 with DCQCN needs it"}, p.enabled);
  v.field(
      {"k_min", "egress queue length at which marking starts", "HPCC artefact, 400 KB at 100 Gbps"},
      p.k_min, {Bytes(0), Bytes::gibi(1)});
  v.field({"k_max", "egress queue length from which every packet is marked",
           "HPCC artefact, 1600 KB at 100 Gbps"},
          p.k_max, {Bytes(0), Bytes::gibi(1)});
  v.field({"p_max", "marking probability just below k_max", "HPCC artefact"}, p.p_max, {0.0, 1.0});
  v.field({"reference_rate",
           "port rate at which k_min and k_max hold; they scale with the rate (0bps: fixed)",
           "HPCC artefact scales its thresholds linearly"},
          p.reference_rate, {BitRate::bps(0), BitRate::gbps(100'000)});
}

void describe(ParamVisitor& v, PfcParams& p) {
  v.field({"enabled", "send pause frames; without it every priority is lossy", "RoCEv2 default"},
          p.enabled);
  v.field({"priorities", "lossless priorities, 0 to 7, separated by spaces",
           "common practice: RoCE data on priority 3"},
          p.priorities);
  v.field({"alpha", "pause threshold as a share of the free shared buffer",
           "HPCC artefact switch-mmu, shift 3"},
          p.alpha, {1.0 / 1024, 16.0});
  v.field(
      {"reserve", "buffer guaranteed per port and lossless priority", "HPCC artefact switch-mmu"},
      p.reserve, {Bytes(0), Bytes::mebi(16)});
  v.field(
      {"headroom",
       "buffer per port and lossless priority for what arrives after a pause; 0B: computed from "
       "rate, cable delay, pipeline latency and MTU",
       "IEEE 802.1Qbb, docs/models/switch.md"},
      p.headroom, {Bytes(0), Bytes::mebi(256)});
  v.field({"resume_offset", "how far below the pause threshold a resume is sent",
           "HPCC artefact switch-mmu"},
          p.resume_offset, {Bytes(0), Bytes::mebi(16)});
  v.field({"frame", "bytes of a pause frame on the wire", "IEEE 802.3 minimum frame"}, p.frame,
          {Bytes(1), Bytes(1500)});
}

void describe(ParamVisitor& v, SwitchParams& p) {
  v.field({"buffer", "packet memory shared by all ports", "HPCC artefact, 32 MiB"}, p.buffer,
          {Bytes::kibi(1), Bytes::mebi(2000)});
  v.field({"latency", "pipeline latency from last bit in to ready for the egress queue",
           "Plait's choice, within the 250-800 ns of data-centre switches"},
          p.latency, {Duration::ps(0), Duration::us(100)});
  v.choice({"forwarding", "when a packet may leave again",
            "shared-buffer switches with mixed port rates store and forward"},
           p.forwarding,
           {{"store_and_forward", "when its last bit is there"},
            {"cut_through",
             "when its first bytes are there, on links that are not slower than any port of the "
             "switch"}});
  v.field({"cut", "cut-through: bytes that must be there before forwarding starts",
           "the headers that routing reads fit 64 bytes"},
          p.cut, {Bytes(1), Bytes(1500)});
  v.field({"int_multiplier",
           "in-band telemetry counts bytes in 128 and queues in 80 times this; 0: fastest NIC "
           "rate / 25 Gbps",
           "HPCC artefact, INT_MULTI"},
          p.int_multiplier, {0, 1024});
  v.field({"lossy_alpha", "dynamic threshold of a lossy egress queue, share of the free buffer",
           "Choudhury and Hahne 1998; 1 is a common setting"},
          p.lossy_alpha, {1.0 / 1024, 64.0});
  v.field({"strict_from",
           "priorities from this number on are served strictly, higher first; the others share by "
           "deficit round robin",
           "common practice: 6 (CNP) and 7 strict"},
          p.strict_from, {0, kPriorities});
  v.field({"dwrr_weights", "eight weights of the deficit round robin, priority 0 first",
           "Plait's choice: equal"},
          p.dwrr_weights);
  nested(v, {"ecn", "explicit congestion notification at egress queues", ""}, p.ecn);
  nested(v, {"pfc", "priority flow control", ""}, p.pfc);
  nested(v, {"load_balancing", "choice among equal-cost next hops", ""}, p.load_balancing);
}

std::uint8_t parse_priority_set(const std::string& text) {
  std::istringstream in(text);
  unsigned set = 0;
  std::string word;
  while (in >> word) {
    if (word.size() != 1 || word[0] < '0' || word[0] > '7')
      throw UserError("'" + word +
                      "' is not a priority: write numbers from 0 to 7 separated by "
                      "spaces (for example \"3 4\")");
    set |= 1U << (word[0] - '0');
  }
  return static_cast<std::uint8_t>(set);
}

}  // namespace plait
