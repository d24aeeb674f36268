// SPDX-License-Identifier: Apache-2.0
// Clients and servers over a network of closed form: a GPU sends 1 byte in 1 ns, and every message
// takes 1 us more. Symbols: q, a transmission of request and response, d = 1 us, s service.
#include <catch2/catch.hpp>

#include "models/rpc/rpc_client.hpp"
#include "models/rpc/rpc_server.hpp"
#include "tests/support/process_world.hpp"

namespace plait {
namespace {

struct RpcRun {
  explicit RpcRun(const RpcParams& params, std::uint64_t seed = 1) : plan(params, seed) {
    std::vector<GpuId> gpus;
    for (std::uint32_t rank = 0; rank < plan.ranks(); ++rank) gpus.emplace_back(rank);
    const auto context = std::make_shared<RpcContext>(JobId(0), plan, gpus);
    for (std::uint32_t c = 0; c < plan.clients(); ++c)
      clients.push_back(&world.add(std::make_unique<RpcClient>(context, c)));
    for (std::uint32_t s = 0; s < plan.servers(); ++s)
      servers.push_back(&world.add(std::make_unique<RpcServer>(context, s)));
    end = world.run();
    REQUIRE(world.all_finished());
    for (const RpcClient* client : clients) client->collect(requests);
  }

  double mean_latency_us() const {
    double sum = 0;
    for (const RequestRecord& request : requests) sum += (request.end - request.arrival).to_us();
    return sum / static_cast<double>(requests.size());
  }

  RpcPlan plan;
  testing::ProcessWorld world;
  std::vector<RpcClient*> clients;
  std::vector<RpcServer*> servers;
  SimTime end;
  std::vector<RequestRecord> requests;
};

RpcParams small() {
  RpcParams params;
  params.requests = 3;
  params.request_size.mean = Bytes(1'000);
  params.response_size.mean = Bytes(4'000);
  params.service_time.mean = Duration::us(10);
  return params;
}

RpcParams queue(Law service) {  // half loaded: a request every 20 us, 10 us each
  RpcParams params;
  params.requests = 200'000;
  params.arrivals = RpcArrivals::kPoisson;
  params.requests_per_s = 50'000;
  params.request_size.mean = params.response_size.mean = Bytes(1);
  params.service_time = {service, Duration::us(10)};
  return params;
}

}  // namespace

TEST_CASE("an RPC alone takes q + d + s + a + d", "[rpc]") {
  const RpcRun run(small());
  // 1 + 1 + 10 + 4 + 1 us; each follows the one before at once.
  REQUIRE(run.requests.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(run.requests[i].arrival == SimTime::at(Duration::us(17) * static_cast<int>(i)));
    CHECK(run.requests[i].end - run.requests[i].arrival == Duration::us(17));
    CHECK(run.requests[i].first == run.requests[i].end);
    CHECK(run.requests[i].id == i);
    CHECK(run.requests[i].input_units == 1'000);
    CHECK(run.requests[i].units == 4'000);
    CHECK(run.requests[i].server == RankId(1));
  }
  CHECK(run.end == SimTime::at(Duration::us(52)));  // the last acknowledgement: + d
  // The client waits for a response all the time until the last, at 51 us; the server computes 30.
  const RankRecord client = run.clients[0]->record_until(run.end);
  CHECK(client.exposed_communication == Duration::us(51));
  CHECK(client.idle == Duration{});
  const RankRecord server = run.servers[0]->record_until(run.end);
  CHECK(server.compute == Duration::us(30));
  CHECK(server.finished);
}

TEST_CASE("requests wait in order when all workers are busy", "[rpc]") {
  RpcParams params = small();
  params.concurrency = 3;
  // Requests leave the client at 1, 2, 3 us and are there at 2, 3, 4.
  SECTION("one worker: services end at 12, 22, 32; responses take 4 + 1") {
    const RpcRun run(params);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(run.requests[i].end.to_us() == Approx(17 + 10.0 * static_cast<double>(i)));
  }
  SECTION("three workers: 12, 13, 14; the responses leave the server one after another") {
    params.workers = 3;
    const RpcRun run(params);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(run.requests[i].end.to_us() == Approx(17 + 4.0 * static_cast<double>(i)));
  }
  SECTION("three servers take turns") {
    params.servers = 3;
    const RpcRun run(params);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(run.requests[i].end.to_us() == Approx(17 + static_cast<double>(i)));
      CHECK(run.requests[i].server == RankId(1 + i));
    }
  }
}

TEST_CASE("Little's law: a closed loop of N holds N = X (R + Z)", "[rpc]") {
  RpcParams params = small();
  params.requests = 20'000;
  params.concurrency = 8;
  params.think_time = {Law::kExponential, Duration::us(40)};
  params.service_time = {Law::kExponential, Duration::us(10)};
  params.response_size = {Law::kExponential, Bytes(2'000)};
  params.workers = 2;
  params.connections = 3;
  const RpcRun run(params);
  double think = 0;
  for (std::uint32_t n = 0; n < run.plan.requests(); ++n)
    think += run.plan.facts(0, n).think_time.to_us();
  const double mean_think = think / run.plan.requests();
  const double per_us = run.plan.requests() / run.end.to_us();
  // Exact but for the last cycle of each of the 8, of 2500: 0.1 %.
  CHECK(per_us * (run.mean_latency_us() + mean_think) == Approx(8).epsilon(2e-3));
}

TEST_CASE("open loop at half load: M/M/1 and M/D/1", "[rpc]") {
  // Base: 2 (1 ns + 1 us). M/M/1: sojourn 1 / (mu - lambda) = 20 us. M/D/1 (Pollaczek-Khinchine):
  // s + rho s / (2 (1 - rho)) = 15 us. 200,000 requests whose waits are correlated over some tens
  // of requests leave a standard error of about 0.7 %; 3 % is more than four of them.
  CHECK(RpcRun(queue(Law::kExponential)).mean_latency_us() == Approx(22.002).epsilon(0.03));
  CHECK(RpcRun(queue(Law::kFixed)).mean_latency_us() == Approx(17.002).epsilon(0.03));
}

TEST_CASE("every request ends once, whatever is random", "[rpc]") {
  RpcParams params = small();
  params.clients = 5;
  params.servers = 3;
  params.requests = 101;
  params.connections = 2;
  params.workers = 2;
  params.request_size = {Law::kUniform, Bytes(500)};
  params.response_size = {Law::kExponential, Bytes(9'000)};
  params.service_time = {Law::kUniform, Duration::us(3)};
  for (const bool open : {false, true}) {
    params.arrivals = open ? RpcArrivals::kPoisson : RpcArrivals::kClosed;
    params.requests_per_s = open ? 20'000 : RpcParams().requests_per_s;
    params.concurrency = open ? 1 : 7;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      const RpcRun run(params, seed);
      REQUIRE(run.requests.size() == 505);
      std::vector<std::uint64_t> served(3);
      for (std::size_t i = 0; i < run.requests.size(); ++i) {
        const RequestRecord& request = run.requests[i];
        CHECK(request.id == i);
        CHECK(request.end > request.arrival);
        const RpcPlan::Facts facts =
            run.plan.facts(request.client.value(), static_cast<std::uint32_t>(i % 101));
        // No response before its own service: q + d + s + a + d at least.
        const std::int64_t least = (facts.request_size + facts.response_size).count() * 1'000 +
                                   facts.service_time.ps() + 2'000'000;
        CHECK((request.end - request.arrival).ps() >= least);
        ++served[request.server.index() - 5];
      }
      for (std::uint32_t s = 0; s < 3; ++s) CHECK(served[s] == run.plan.requests_to(s));
    }
  }
}

}  // namespace plait
