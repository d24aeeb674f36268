// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <sstream>
#include <type_traits>

#include "sim/ids.hpp"

using namespace plait;

// A node's id is no port's id, and a bare number is no id.
static_assert(!std::is_convertible_v<NodeId, PortId>);
static_assert(!std::is_constructible_v<PortId, NodeId>);
static_assert(!std::is_convertible_v<std::size_t, NodeId>);
static_assert(sizeof(NodeId) == 4);

TEST_CASE("an id without a value is none", "[ids]") {
  CHECK(NodeId() == NodeId::none());
  CHECK_FALSE(NodeId().valid());
  CHECK(NodeId(0).valid());
  CHECK(NodeId(7).index() == 7);
  CHECK(NodeId(7).value() == 7);
}

TEST_CASE("ids are ordered by value, none last", "[ids]") {
  CHECK(NodeId(1) < NodeId(2));
  CHECK(NodeId(2) == NodeId(2));
  CHECK(NodeId(1000) < NodeId::none());
}

TEST_CASE("ids print as numbers", "[ids]") {
  std::ostringstream text;
  text << NodeId(12) << ' ' << NodeId::none();
  CHECK(text.str() == "12 none");
}
