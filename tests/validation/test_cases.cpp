// SPDX-License-Identifier: Apache-2.0
// Every comparison that plait-validate makes, as a test. Where the figures come from: the README
// files in ns3/ and htsim/.
#include <catch2/catch.hpp>
#include <string>

#include "validation/cases.hpp"
#include "validation/ns3_case.hpp"
#include "validation/report.hpp"

namespace plait::validation {
namespace {

const std::string kFolder = std::string(PLAIT_SOURCE_DIR) + "/tests/validation";

}  // namespace

TEST_CASE("every comparison meets its target", "[validation]") {
  const Settings settings;
  std::vector<Case> cases = all_cases(kFolder);
  std::erase_if(cases, [](const Case& one) { return one.by_hand; });
  for (const Outcome& outcome : run_cases(cases, settings, 1)) {
    INFO(outcome.name << "\n" << tables({outcome}));
    CHECK(outcome.result.met());
  }
}

TEST_CASE("ns-3: a single DCQCN flow by hand", "[validation]") {
  // 2000 packets of 1036 B at 83 ns each; the last leaves the NIC at 166,000, reaches the switch
  // 1000 later, leaves it 83 later, arrives at 168,083; its 48 B ACK takes 2 * (4 + 1000) ns:
  // 170,091 ns. The file says the same.
  const Ns3Case one({kFolder + "/ns3/star2.txt", kFolder + "/ns3/single_dcqcn.csv",
                     kFolder + "/ns3/cfg/single_dcqcn.txt"});
  CHECK(one.run().completion == std::vector<Duration>{Duration::ns(170'091)});
  CHECK(one.reference().completion == std::vector<Duration>{Duration::ns(170'091)});
}

TEST_CASE("threads of the simulation change no completion time", "[validation]") {
  const Ns3Case one({kFolder + "/ns3/ft_k4.txt", kFolder + "/ns3/perm16_dcqcn.csv",
                     kFolder + "/ns3/cfg/perm16_dcqcn.txt"});
  CHECK(one.run(3, 1).completion == one.run(3, 2).completion);
}

TEST_CASE("cases are chosen by a part of their name", "[validation]") {
  const std::vector<Case> cases = all_cases(kFolder);
  CHECK(select_cases(cases, "").size() == cases.size());
  CHECK(select_cases(cases, "htsim/single_6_links").size() == 1);
  CHECK_THROWS_WITH(select_cases(cases, "ns4"), Catch::Contains("ns3/single_dcqcn"));
}

}  // namespace plait::validation
