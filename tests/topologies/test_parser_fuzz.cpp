// SPDX-License-Identifier: Apache-2.0
/// Damaged files: every reader either accepts the text or throws UserError; nothing else happens.
#include <functional>
#include <sstream>

#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/edge_list.hpp"
#include "topologies/graphml.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/route_table.hpp"
#include "topologies/validate.hpp"

namespace plait {
namespace {

/// One to four random edits: a changed byte, a cut, a doubled piece, a piece of elsewhere, a
/// number.
std::string damage(std::string text, std::mt19937_64& random) {
  static const std::vector<std::string> kPieces = {"-1",    "0",     "99999999999999999999",
                                                   "1e308", "nan",   "#",
                                                   "\n",    " ",     "=",
                                                   "<",     ">",     "&amp;",
                                                   "Gbps",  "us",    "host",
                                                   "link",  "]]>",   std::string(1, '\0'),
                                                   "\xff",  "gpus=", "directed"};
  for (std::size_t edits = 1 + random() % 4; edits > 0; --edits) {
    const std::size_t at = random() % (text.size() + 1);
    const std::size_t length = random() % 20;
    switch (random() % 5) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(std::min(at, text.size()), length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3:
        text.insert(at, text.substr(random() % (text.size() + 1), length));
        break;
      default:
        text.insert(at, kPieces[random() % kPieces.size()]);
        break;
    }
  }
  return text;
}

using Reader = std::function<FabricGraph(std::istream&)>;

void feed_damaged(const std::string& good, const Reader& reader, int rounds) {
  int accepted = 0;
  for (int round = 0; round < rounds; ++round) {
    std::mt19937_64 random(static_cast<std::uint64_t>(round));
    const std::string text = damage(good, random);
    INFO("round " << round << ":\n" << text);
    std::istringstream in(text);
    try {
      const FabricGraph graph = reader(in);
      ++accepted;
      validate(graph);
      const RouteTable routes(graph);  // what validates can be routed
    } catch (const UserError& error) {
      REQUIRE(std::string(error.what()) != "");
    } catch (const std::exception& error) {
      FAIL("not a UserError: " << error.what());
    }
  }
  CHECK(accepted > 0);       // harmless damage exists
  CHECK(accepted < rounds);  // and the other kind
}

const FabricGraph& sample() {
  static const FabricGraph graph =
      build(LeafSpineParams{.hosts = 4, .hosts_per_leaf = 2, .spines = 2}, {});
  return graph;
}

TEST_CASE("fuzz: edge list", "[fuzz]") {
  std::ostringstream good;
  write_edge_list(good, sample());
  feed_damaged(
      good.str(), [](std::istream& in) { return read_edge_list(in, "f", 8); }, 5000);
}

TEST_CASE("fuzz: GraphML", "[fuzz]") {
  std::ostringstream good;
  write_graphml(good, sample());
  feed_damaged(
      good.str(), [](std::istream& in) { return read_graphml(in, "f", 8); }, 3000);
}

TEST_CASE("fuzz: ns-3 file", "[fuzz]") {
  feed_damaged(
      "4 1 3\n3\n0 3 100Gbps 1000ns 0.000000\n1 3 100Gbps 1000ns 0\n2 3 25Gbps 1us 0\n",
      [](std::istream& in) { return read_ns3_topology(in, "f", 1); }, 5000);
}

}  // namespace
}  // namespace plait
