// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sim/error.hpp"

using namespace plait;

TEST_CASE("nearest_name finds a misspelt word and refuses a far one", "[error]") {
  const std::vector<std::string> names{"leaf_spine", "fat_tree", "dumbbell"};
  CHECK(nearest_name("fat_tre", names) == "fat_tree");  // 1 letter lost
  CHECK(nearest_name("leafspine", names) == "leaf_spine");
  CHECK(nearest_name("dumbell", names) == "dumbbell");
  CHECK(nearest_name("torus", names).empty());
  CHECK(nearest_name("x", {}).empty());
}

TEST_CASE("nearest_name allows a third of the word's letters, at least two", "[error]") {
  CHECK(nearest_name("abcdefghi", {"abcdefXYZ"}) == "abcdefXYZ");  // 9 letters: distance 3 <= 3
  CHECK(nearest_name("abcdefghi", {"abcdeWXYZ"}).empty());         // distance 4 > 3
  CHECK(nearest_name("abcd", {"abXY"}) == "abXY");                 // 4 letters: distance 2 <= 2
  CHECK(nearest_name("abcd", {"aXYZ"}).empty());                   // distance 3 > 2
}

TEST_CASE("nearest_name looks beyond capitals first", "[error]") {
  CHECK(nearest_name("gbps", {"bps", "Gbps", "GBps"}) == "Gbps");  // both equal it; one is nearer
  CHECK(nearest_name("DGX_A100", {"a100", "dgx_a100"}) == "dgx_a100");
}

TEST_CASE("nearest_name takes the first of equally near names", "[error]") {
  CHECK(nearest_name("bat", {"cat", "hat"}) == "cat");
}

TEST_CASE("did_you_mean is a clause or nothing", "[error]") {
  CHECK(did_you_mean("dcqnc", {"none", "dcqcn"}) == "; did you mean 'dcqcn'?");
  CHECK(did_you_mean("swift", {"none", "dcqcn"}).empty());
}

TEST_CASE("a user's error begins with the place that is known", "[error]") {
  CHECK(std::string(UserError({"a.yaml", 3, 7}, "bad").what()) == "a.yaml:3:7: bad");
  CHECK(std::string(UserError({"a.yaml", 3, 0}, "bad").what()) == "a.yaml:3: bad");
  CHECK(std::string(UserError({"a.yaml", 0, 9}, "bad").what()) == "a.yaml: bad");
  CHECK(std::string(UserError({"", 0, 0}, "bad").what()) == "bad");
  CHECK(UserError({"a.yaml", 3, 7}, "bad").where().column == 7);
}
