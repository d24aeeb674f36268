// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <vector>

#include "models/telemetry.hpp"
#include "sim/error.hpp"

namespace plait {

TEST_CASE("a ticket counts records; the first six are kept", "[telemetry]") {
  IntPool pool;
  IntTicket ticket = pool.take();
  const IntSlot* const slot = ticket.slot();
  CHECK_FALSE(ticket.empty());
  CHECK(ticket.read().hops == 0);
  CHECK(ticket.read().path == 0);
  unsigned path = 0;  // 31 path + 7 node + 1 modulo 256 at each switch
  for (unsigned n = 0; n < 8; ++n) {
    ticket.record(IntHop(n * 1000, 128 * n, 0, 1), n + 10, 300 + n);
    path = (31 * path + 7 * (300 + n) + 1) % 256;
  }
  CHECK(ticket.slot() == slot);
  const IntStack& stack = ticket.read();
  CHECK(stack.hops == 8);
  CHECK(stack.path == path);
  for (unsigned n = 0; n < IntStack::kMaxHops; ++n) {
    CHECK(stack.link_class[n] == n + 10);
    CHECK(stack.hop[n].time_ns() == n);
    CHECK(stack.hop[n].byte_units() == n);
  }
}

TEST_CASE("slots may go back to another pool; an empty ticket gives nothing back", "[telemetry]") {
  IntPool a, b;
  std::vector<IntTicket> tickets;
  for (int n = 0; n < 3000; ++n) tickets.push_back(a.take());
  const auto in_use = [&] {
    return a.slots() + b.slots() - a.free_list().size() - b.free_list().size();
  };
  CHECK(in_use() == 3000);
  for (std::size_t n = 0; n < tickets.size(); ++n) (n % 3 == 0 ? a : b).give(tickets[n]);
  CHECK(in_use() == 0);
  CHECK(b.free_list().size() == 2000);
  CHECK(b.slots() == 0);
  for (IntTicket& ticket : tickets) {
    CHECK(ticket.empty());
    b.give(ticket);
  }
  CHECK(b.free_list().size() == 2000);
  CHECK_THROWS_AS(IntTicket().read(), InternalFault);
}

}  // namespace plait
