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
  v.field({"priorities", "priorities that are marked, 0 to 7, separated by spaces, or all",
           "Plait's choice: all; only data packets are marked"},
          p.priorities);
  v.field({"by_priority",
           "own thresholds of some priorities: PRIORITY:K_MIN:K_MAX[:P_MAX], separated by spaces",
           "none; switches have a WRED profile per queue"},
          p.by_priority);
}

void describe(ParamVisitor& v, WatchdogParams& p) {
  v.field({"enabled", "watch for egress queues that their peer keeps paused",
           "off: SONiC's pfcwd "
           "has to be started"},
          p.enabled);
  v.field({"detection", "a queue paused this long without a break is stuck",
           "SONiC pfcwd and Junos, 200 ms"},
          p.detection, {Duration::us(1), Duration::s(100)});
  v.field({"restoration", "a stuck queue is normal again when not paused for this long",
           "SONiC pfcwd and Junos, 200 ms"},
          p.restoration, {Duration::us(1), Duration::s(100)});
  v.choice({"action", "what becomes of the packets of a stuck queue", "SONiC pfcwd: drop"},
           p.action,
           {{"drop", "queued and arriving ones are dropped"},
            {"forward", "they are sent in spite of the pause"}});
}

void describe(ParamVisitor& v, PfcParams& p) {
  v.field({"enabled", "send pause frames; without it every priority is lossy", "RoCEv2 default"},
          p.enabled);
  v.field({"priorities", "lossless priorities, 0 to 7, separated by spaces",
           "common practice: RoCE data on priority 3"},
          p.priorities);
  v.choice({"threshold", "when to pause an ingress", "shared-buffer switches: dynamic"},
           p.threshold,
           {{"dynamic", "above alpha times the free shared buffer"},
            {"static", "above xoff bytes, until below xon", "htsim's lossless input queue"}});
  v.field({"alpha", "pause threshold as a share of the free shared buffer",
           "HPCC artefact switch-mmu, shift 3"},
          p.alpha, {1.0 / 1024, 16.0});
  v.field(
      {"alpha_reference_rate",
       "port rate at which alpha holds; doubled, up to 1, for each doubling above it (0bps: the "
       "same for all ports)",
       "Plait's choice; the HPCC artefact takes the NIC's rate"},
      p.alpha_reference_rate, {BitRate::bps(0), BitRate::gbps(100'000)});
  v.field({"xoff", "static threshold: bytes of an ingress above which it is paused",
           "htsim main_roce: 50 packets of 4096 bytes"},
          p.xoff, {Bytes(1), Bytes::gibi(1)});
  v.field({"xon", "static threshold: bytes of an ingress below which it resumes",
           "htsim main_roce: 40 packets of 4096 bytes"},
          p.xon, {Bytes(1), Bytes::gibi(1)});
  v.field(
      {"reserve", "buffer guaranteed per port and lossless priority", "HPCC artefact switch-mmu"},
      p.reserve, {Bytes(0), Bytes::mebi(16)});
  v.field(
      {"headroom",
       "buffer per port and lossless priority for what arrives after a pause; 0B: by headroom_rule",
       "IEEE 802.1Qbb, docs/models/switch.md"},
      p.headroom, {Bytes(0), Bytes::mebi(256)});
  v.choice({"headroom_rule", "what a headroom of 0B stands for", "Plait's choice: enough"},
           p.headroom_rule,
           {{"computed", "from rate, cable delay, pipeline latency and MTU: never drops"},
            {"three_delays", "three times rate times cable delay", "HPCC artefact"}});
  v.field({"resume_offset", "how far below the pause threshold a resume is sent",
           "HPCC artefact switch-mmu"},
          p.resume_offset, {Bytes(0), Bytes::mebi(16)});
  v.field({"frame", "bytes of a pause frame on the wire", "IEEE 802.3 minimum frame"}, p.frame,
          {Bytes(0), Bytes(1500)});
  nested(v, {"watchdog", "remedy for queues that are paused for too long", ""}, p.watchdog);
}

void describe(ParamVisitor& v, TrimmingParams& p) {
  v.field({"enabled", "send the header of a lossy data packet on instead of dropping it", "off"},
          p.enabled);
  v.field({"size", "bytes left of a trimmed packet",
           "htsim, 64; Ultra Ethernet 1.0: at least 24 beyond IP"},
          p.size, {Bytes(1), Bytes(1500)});
  v.field({"priority", "priority of trimmed packets", "Plait's choice: that of CNPs"}, p.priority,
          {0, kPriorities - 1});
  v.field({"threshold",
           "a packet that would fill its egress queue beyond this is trimmed; 0B: only one that "
           "would be dropped",
           "Plait's choice; Ultra Ethernet 1.0 advises one bandwidth-delay product"},
          p.threshold, {Bytes(0), Bytes::gibi(1)});
}

void describe(ParamVisitor& v, SwitchParams& p) {
  visit_switch_presets(v, p);
  v.field({"buffer", "packet memory shared by all ports", "HPCC artefact, 32 MiB"}, p.buffer,
          {Bytes::kibi(1), Bytes::gibi(64)});
  v.field({"max_ports", "most ports that a switch of the fabric may have; 0: any number",
           "Plait's choice: no check without a preset"},
          p.max_ports, {0, 65'535});
  v.field({"capacity", "highest sum of port rates that a switch may have; 0bps: any",
           "Plait's choice: no check without a preset"},
          p.capacity, {BitRate::bps(0), BitRate::gbps(10'000'000)});
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
  v.field({"lossy_reserve", "buffer guaranteed per egress port and lossy priority",
           "SONiC egress profiles of Broadcom switches: 0 or one packet"},
          p.lossy_reserve, {Bytes(0), Bytes::mebi(16)});
  v.field(
      {"lossy_port_limit",
       "a lossy packet is dropped where its egress port would queue more than this; 0B: no such "
       "limit",
       "Plait's choice: only the dynamic threshold"},
      p.lossy_port_limit, {Bytes(0), Bytes::gibi(1)});
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
  nested(v, {"trimming", "packet trimming", ""}, p.trimming);
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
