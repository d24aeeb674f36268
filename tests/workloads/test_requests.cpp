// SPDX-License-Identifier: Apache-2.0
// Laws of sizes and times, and who asks which server.
#include <catch2/catch.hpp>
#include <map>

#include "sim/error.hpp"
#include "workloads/requests/rpc.hpp"

namespace plait {

TEST_CASE("laws have their mean and range", "[requests]") {
  constexpr int kDraws = 100'000;
  RandomStream random(1, 2, 3);
  for (const Law kind : {Law::kFixed, Law::kUniform, Law::kExponential}) {
    const SizeLaw law{kind, Bytes(1'000)};
    double sum = 0;
    for (int i = 0; i < kDraws; ++i) {
      const std::int64_t value = law.draw(random).count();
      CHECK(value >= 1);
      if (kind == Law::kUniform) CHECK(value <= 1'999);
      if (kind == Law::kFixed) CHECK(value == 1'000);
      sum += static_cast<double>(value);
    }
    // Standard error of the exponential: 1000 / sqrt(100,000) = 3.2; rounding up adds 0.5.
    CHECK(sum / kDraws == Approx(1'000).margin(16));
  }
  CHECK(TimeLaw{Law::kExponential, Duration{}}.draw(random) == Duration{});
  CHECK(mean_gap(50'000) == Duration::us(20));
  CHECK_THROWS_WITH(mean_gap(1e-9), Catch::Contains("exceed the range of simulated time"));
}

TEST_CASE("routes of RPCs and their inverse", "[requests]") {
  RpcParams params;
  params.clients = 3;
  params.servers = 4;
  params.connections = 5;
  params.requests = 203;
  const RpcPlan plan(params, 7);
  std::vector<std::uint64_t> to(4);
  for (std::uint32_t client = 0; client < 3; ++client) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> sent;
    for (std::uint32_t n = 0; n < 203; ++n) {
      const RpcPlan::Route route = plan.route(client, n);
      REQUIRE(route.server < 4);
      REQUIRE(route.connection < 5);
      CHECK(plan.number(client, route, sent[{route.server, route.connection}]++) == n);
      ++to[route.server];
    }
  }
  for (std::uint32_t s = 0; s < 4; ++s) CHECK(plan.requests_to(s) == to[s]);
  CHECK(plan.server_rank(2) == RankId(5));
}

TEST_CASE("facts of a request depend on its client and number only", "[requests]") {
  RpcParams params;
  params.clients = 2;
  params.request_size.kind = Law::kExponential;
  const RpcPlan plan(params, 1), same(params, 1), other(params, 2);
  CHECK(plan.facts(1, 5).request_size == same.facts(1, 5).request_size);
  CHECK(plan.facts(1, 5).request_size != plan.facts(0, 5).request_size);
  CHECK(plan.facts(1, 5).request_size != other.facts(1, 5).request_size);
}

}  // namespace plait
