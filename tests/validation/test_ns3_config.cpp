// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "sim/error.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/single_switch.hpp"
#include "validation/htsim_model.hpp"
#include "validation/ns3_config.hpp"
#include "validation/ns3_model.hpp"

namespace plait::validation {
namespace {

const std::string kConfigs = std::string(PLAIT_SOURCE_DIR) + "/tests/validation/ns3/cfg/";

// A recorded configuration with one line changed, or taken away if `line` is empty.
std::string changed(const std::string& key, const std::string& line,
                    const std::string& base = "incast2_dcqcn.txt") {
  std::ifstream in(kConfigs + base);
  std::ofstream out("validation_config.txt");
  bool found = false;
  for (std::string text; std::getline(in, text);) {
    const bool is_key = text.starts_with(key + " ");
    found = found || is_key;
    if (!is_key) out << text << "\n";
    if (is_key && !line.empty()) out << line << "\n";
  }
  if (!found) out << line << "\n";
  return "validation_config.txt";
}

Ns3Config config_with(const std::string& key, const std::string& line) {
  return read_ns3_config(changed(key, line));
}

FabricGraph two_rates() {
  FabricParts parts = htsim_parts();
  parts.fabric_link.rate = BitRate::gbps(400);
  return build(LeafSpineParams{4, 2, 1, 1}, parts);
}

}  // namespace

TEST_CASE("ns-3 configuration: what is read", "[validation]") {
  const Ns3Config config = read_ns3_config(kConfigs + "incast16_dctcp.txt");
  CHECK(config.cc == Ns3Cc::kDctcp);
  CHECK(config.topology_file == "topo/star17.txt");
  CHECK(config.payload == Bytes(1000));
  CHECK(config.dctcp_rate_ai == BitRate::mbps(615));
  CHECK(config.target_utilisation == 0.95);
  CHECK(config.gain == 0.0625);
  CHECK(config.variable_window);
  CHECK(config.has_window);
  CHECK(config.acks_obey_pause);
  CHECK(config.buffer == Bytes::mebi(32));
  CHECK(config.k_max.at(BitRate::gbps(400), "KMAX_MAP") == 1200);
  const Ns3Config hpcc = read_ns3_config(kConfigs + "incast16_hpcc.txt");
  CHECK(hpcc.cc == Ns3Cc::kHpcc);
  CHECK(hpcc.rate_ai == BitRate::mbps(40));
  CHECK(hpcc.int_multiplier == 4);
  CHECK(hpcc.fast_react);
}

TEST_CASE("ns-3 configuration: what would change the result is refused by name", "[validation]") {
  const auto row = GENERATE(table<const char*, const char*, const char*>({
      {"MULTI_RATE", "MULTI_RATE 1", "MULTI_RATE: 1 is not supported, only 0 is"},
      {"L2_BACK_TO_ZERO", "L2_BACK_TO_ZERO 1", "L2_BACK_TO_ZERO"},
      {"LINK_DOWN", "LINK_DOWN 2100000 1 2", "LINK_DOWN"},
      {"CC_MODE", "CC_MODE 10", "CC_MODE: 10 is not supported"},
      {"NEW_KEY", "NEW_KEY 1", "NEW_KEY: is not known"},
      {"RATE_AI", "RATE_IA 20Mb/s", "did you mean 'RATE_AI'"},
      {"RATE_AI", "", "has no key RATE_AI"},
      {"KMAX_MAP", "KMAX_MAP 2 100000000000 400", "KMAX_MAP: announces 2 pairs"},
      {"EWMA_GAIN", "EWMA_GAIN small", "EWMA_GAIN: 'small' is not a number"},
      {"RP_TIMER", "RP_TIMER 300 2", "RP_TIMER: has 2 values"},
  }));
  CHECK_THROWS_WITH(config_with(std::get<0>(row), std::get<1>(row)),
                    Catch::Contains(std::get<2>(row)));
}

TEST_CASE("ns-3 configuration: what changes nothing is skipped", "[validation]") {
  CHECK(config_with("PAUSE_TIME", "PAUSE_TIME 5").cc == Ns3Cc::kDcqcn);
}

TEST_CASE("base round trip and window as that simulator computes them", "[validation]") {
  // Section 3 of the description: 2 * delays + 80 ns of 1000 B at 100 Gbps per link; times the
  // rate / 8. Star: 4000 + 160; three tiers: 12,000 + 480; two tiers: 8000 + 320.
  SingleSwitchParams star;
  star.hosts = 3;
  const Ns3Reach one = ns3_reach(build(star, htsim_parts()), Bytes(1000));
  CHECK(one.base_rtt == Duration::ns(4160));
  CHECK(one.bdp == Bytes(52'000));
  CHECK(one.uniform);
  FatTreeParams tree;
  tree.k = 4;
  const Ns3Reach three = ns3_reach(build(tree, htsim_parts()), Bytes(1000));
  CHECK(three.base_rtt == Duration::ns(12'480));
  CHECK(three.bdp == Bytes(156'000));
  CHECK_FALSE(three.uniform);
  const Ns3Reach two = ns3_reach(build(LeafSpineParams{4, 2, 1, 1}, htsim_parts()), Bytes(1000));
  CHECK(two.base_rtt == Duration::ns(8320));
  CHECK(two.bdp == Bytes(104'000));
  // Links between switches at 400 Gbps: 20 ns on each of the two; the hosts' 100 Gbps bound.
  const Ns3Reach mixed = ns3_reach(two_rates(), Bytes(1000));
  CHECK(mixed.base_rtt == Duration::ns(8000 + 2 * 80 + 2 * 20));
  CHECK(mixed.bdp == Bytes(102'500));
}

TEST_CASE("ns-3 configuration: thresholds by link rate", "[validation]") {
  const FabricGraph mixed = two_rates();
  const EcnParams scaled = ns3_network(config_with("X", ""), mixed, 1).switches.ecn;
  CHECK(scaled.k_min == Bytes::kilo(400));  // at 100 Gbps; four times that at 400 Gbps
  CHECK(scaled.reference_rate == BitRate::gbps(100));
  CHECK_THROWS_WITH(ns3_network(config_with("KMAX_MAP", "KMAX_MAP 1 100000000000 1600"), mixed, 1),
                    Catch::Contains("KMAX_MAP has no value for links of 400Gbps"));
  CHECK_THROWS_WITH(
      ns3_network(config_with("KMAX_MAP", "KMAX_MAP 2 100000000000 1600 400000000000 1700"), mixed,
                  1),
      Catch::Contains("differs between the link rates"));
}

TEST_CASE("ns-3 configuration: windows", "[validation]") {
  // Three tiers are 156,000 B; a star of 100 Gbps and 1 us is 52,000 B.
  SingleSwitchParams star;
  star.hosts = 3;
  const FabricGraph graph = build(star, htsim_parts());
  const auto dcqcn = [&](const std::string& line) {
    return ns3_network(config_with("HAS_WIN", line), graph, 1).transport.congestion_control.dcqcn;
  };
  CHECK(dcqcn("HAS_WIN 0").window == Bytes(0));
  CHECK(dcqcn("HAS_WIN 1").window == Bytes(52'000));
  const Ns3Config own_rtt = read_ns3_config(changed("GLOBAL_T", "GLOBAL_T 0", "perm16_dctcp.txt"));
  CHECK_NOTHROW(ns3_network(own_rtt, graph, 1));
  CHECK_THROWS_WITH(ns3_network(own_rtt, two_rates(), 1), Catch::Contains("GLOBAL_T 0"));
}

}  // namespace plait::validation
