// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "workloads/collectives/nccl_model.hpp"

namespace plait {

namespace {

using Algorithm = CollectiveAlgorithm;
using Protocol = CollectiveProtocol;

// NVLink 3: 12 links of 20 GB/s, as NCCL counts them.
NcclGroup a100(std::uint32_t ranks = 8, std::uint32_t hosts = 1) {
  CollectiveFacts facts;
  facts.generation = GpuGeneration::kAmpere;
  facts.scale_up = BitRate::gigabytes_per_s(240);
  facts.nic = BitRate::gbps(200);
  return make_nccl_group(ranks, hosts, std::min(8U, ranks / hosts), facts);
}

// NVLink 4: 18 links of 20.6 GB/s; eight 400G NICs.
NcclGroup h100(std::uint32_t ranks = 8, std::uint32_t hosts = 1) {
  CollectiveFacts facts;
  facts.generation = GpuGeneration::kHopper;
  facts.scale_up = BitRate::gbps(8 * 3708 / 10);
  facts.nic = BitRate::gbps(400);
  facts.in_switch_reduction = true;
  return make_nccl_group(ranks, hosts, std::min(8U, ranks / hosts), facts);
}

double time_us(const NcclGroup& group, Bytes size, Algorithm algorithm, Protocol protocol,
               CollectiveKind kind = CollectiveKind::kAllReduce) {
  return nccl_time(kind, size, group, {algorithm, protocol}).value().to_us();
}

double bus_gbytes(const NcclGroup& group, Algorithm algorithm,
                  CollectiveKind kind = CollectiveKind::kAllReduce) {
  const Bytes size = Bytes::gibi(64);  // large enough to see no latency
  const double n = group.ranks;
  const double factor = kind == CollectiveKind::kAllReduce ? 2 * (n - 1) / n : n - 1;
  return static_cast<double>(size.count()) * factor /
         time_us(group, size, algorithm, Protocol::kSimple, kind) * 1e-3;
}

NcclPick pick(const NcclGroup& group, Bytes size,
              CollectiveKind kind = CollectiveKind::kAllReduce) {
  constexpr Algorithm kAll[] = {Algorithm::kRing, Algorithm::kTree, Algorithm::kNvls,
                                Algorithm::kNvlsTree, Algorithm::kPat};
  return nccl_choose(kind, size, group, kAll, Protocol::kAuto).value();
}

}  // namespace

TEST_CASE("latencies are those that SimAI lists", "[nccl]") {
  // aliyun/SimAI 1.7, docs/configuration/send-lat-analysis.md: base and NVLink together, in ns.
  const auto nvlink_ns = [](Algorithm algorithm, Protocol protocol) {
    const NcclLatency latency = nccl_latency(algorithm, protocol).value();
    return 1000 * (latency.base + latency.nvlink);
  };
  CHECK(nvlink_ns(Algorithm::kRing, Protocol::kLl) == Approx(7'200));
  CHECK(nvlink_ns(Algorithm::kRing, Protocol::kLl128) == Approx(15'900));
  CHECK(nvlink_ns(Algorithm::kRing, Protocol::kSimple) == Approx(11'800));
  CHECK(nvlink_ns(Algorithm::kTree, Protocol::kLl) == Approx(7'400));
  CHECK(nvlink_ns(Algorithm::kTree, Protocol::kLl128) == Approx(15'250));
  CHECK(nvlink_ns(Algorithm::kTree, Protocol::kSimple) == Approx(12'400));
  CHECK(nvlink_ns(Algorithm::kNvls, Protocol::kSimple) == Approx(25'000));
  CHECK(nvlink_ns(Algorithm::kPat, Protocol::kSimple) == Approx(12'000));
  CHECK_FALSE(nccl_latency(Algorithm::kNvls, Protocol::kLl));
  CHECK_FALSE(nccl_latency(Algorithm::kBruck, Protocol::kSimple));
}

TEST_CASE("ring and tree on one host, by hand", "[nccl]") {
  const Bytes size = Bytes::mebi(64);
  const double bytes = 67'108'864;
  // 8.4 + 14 * 3.4 = 56.0 us; 240 GB/s * 8/14.
  CHECK(time_us(a100(), size, Algorithm::kRing, Protocol::kSimple) ==
        Approx(56.0 + bytes / (240e3 * 8 / 14)));
  // 6.6 + 14 * 0.6 us; half of 240 GB/s, but at most 87.7.
  CHECK(time_us(a100(), size, Algorithm::kRing, Protocol::kLl) ==
        Approx(15.0 + bytes / (87.7e3 * 8 / 14)));
  // 14 + 14 * 1.9 us; 0.92 * 240.
  CHECK(time_us(a100(), size, Algorithm::kRing, Protocol::kLl128) ==
        Approx(40.6 + bytes / (220.8e3 * 8 / 14)));
  // 8.4 + 2 * 7 * 4 us; 0.92 * 240 / 2, corrected by 0.8 at 64 MiB = 64 B * 2^20.
  CHECK(time_us(a100(), size, Algorithm::kTree, Protocol::kSimple) ==
        Approx(64.4 + bytes / (220.8e3 * 0.8 / 2)));
  // 7/9 for LL128 on one host, corrected by 0.9.
  CHECK(time_us(a100(), size, Algorithm::kTree, Protocol::kLl128) ==
        Approx(14 + 14 * 1.25 + bytes / (220.8e3 * 7 / 9 * 0.9 / 2)));
  // All-gather: bytes are those of the result, 7 steps.
  CHECK(time_us(a100(), size, Algorithm::kRing, Protocol::kSimple, CollectiveKind::kAllGather) ==
        Approx(8.4 + 7 * 3.4 + 8 * bytes / (240e3 * 8 / 7)));
  CHECK(time_us(a100(), size, Algorithm::kRing, Protocol::kSimple,
                CollectiveKind::kReduceScatter) == Approx(32.2 + bytes / (240e3 * 8 / 7)));
}

TEST_CASE("rings over hosts pay for the network, and go as fast as its channels", "[nccl]") {
  // 25 GB/s a NIC: eight channels of 24, 192 GB/s. 16 ranks on 2 hosts: 30 steps, two of them
  // between hosts; 3 us of posting are below the 3.4 us of NVLink. The plateau: 1.4.
  CHECK(nccl_channel_rate(a100(16, 2)) == Approx(192));
  const double simple = (8.4 + 28 * 3.4 + 2 * 14) * 1.4;
  CHECK(time_us(a100(16, 2), Bytes::mebi(64), Algorithm::kRing, Protocol::kSimple) ==
        Approx(simple + 67'108'864 / (192e3 * 16 / 30)));
  // LL: 1 us of posting instead of 0.6; capped by the CPU at 39 GB/s over two hosts, 20.4 over
  // more.
  CHECK(time_us(a100(16, 2), Bytes::mebi(64), Algorithm::kRing, Protocol::kLl) ==
        Approx(6.6 + 28 * 1 + 2 * 2.7 + 67'108'864 / (39e3 * 16 / 30)));
  CHECK(time_us(a100(32, 4), Bytes::mebi(64), Algorithm::kRing, Protocol::kLl) ==
        Approx(6.6 + 56 * 1 + 6 * 2.7 + 67'108'864 / (20.4e3 * 32 / 62)));
  // A rank alone on its host: the tree's network latency; no plateau below 64 B a channel and rank.
  CHECK(time_us(a100(4, 4), Bytes(4), Algorithm::kRing, Protocol::kSimple) ==
        Approx(8.4 + 6 * 14 + 4 / (24e3 * 4 / 6)));
}

TEST_CASE("bus bandwidths of H100 hosts are near what was measured", "[nccl]") {
  // Ring: six channels of 60 GB/s; measured 370. NVLS: 2 * 16 channels of 20 * 0.85 * 15/16;
  // measured 480. Four hosts: eight channels of 45; measured 330.9 and 323.5 (all-gather).
  CHECK(bus_gbytes(h100(), Algorithm::kRing) == Approx(360).epsilon(2e-3));
  CHECK(bus_gbytes(h100(), Algorithm::kNvls) == Approx(510).epsilon(2e-3));
  CHECK(bus_gbytes(h100(32, 4), Algorithm::kRing) == Approx(360).epsilon(2e-3));
  CHECK(bus_gbytes(h100(32, 4), Algorithm::kRing, CollectiveKind::kAllGather) ==
        Approx(360).epsilon(2e-3));
}

TEST_CASE("the least time wins, and small calls go by LL", "[nccl]") {
  const NcclPick small = pick(a100(), Bytes::kibi(8));
  CHECK(small.algorithm == Algorithm::kRing);  // 15.0 us and data; tree 15.2
  CHECK(small.protocol == Protocol::kLl);
  const NcclPick large = pick(a100(), Bytes::mebi(64));
  CHECK(large.algorithm == Algorithm::kRing);
  CHECK(large.protocol == Protocol::kSimple);
  // 128 ranks: a ring has 254 steps.
  CHECK(pick(a100(128, 16), Bytes::kibi(8)).algorithm == Algorithm::kTree);
  CHECK(pick(h100(), Bytes::gibi(1)).algorithm == Algorithm::kNvls);
  CHECK(pick(h100(16, 2), Bytes::gibi(1)).algorithm == Algorithm::kNvlsTree);
  CHECK(pick(h100(8, 8), Bytes::kibi(64), CollectiveKind::kAllGather).algorithm == Algorithm::kPat);
  CHECK(pick(h100(), Bytes::gibi(1), CollectiveKind::kBroadcast).algorithm == Algorithm::kRing);
}

TEST_CASE("what NCCL would not use has no time", "[nccl]") {
  const auto possible = [](const NcclGroup& group, Algorithm algorithm,
                           Protocol protocol = Protocol::kSimple,
                           CollectiveKind kind = CollectiveKind::kAllReduce) {
    return nccl_time(kind, Bytes::mebi(1), group, {algorithm, protocol}).has_value();
  };
  CHECK_FALSE(possible(a100(), Algorithm::kNvls));
  CHECK_FALSE(possible(h100(16, 2), Algorithm::kNvls));
  CHECK_FALSE(possible(h100(), Algorithm::kNvls, Protocol::kLl));
  CHECK_FALSE(possible(h100(), Algorithm::kNvlsTree));
  CHECK_FALSE(possible(h100(), Algorithm::kTree, Protocol::kLl, CollectiveKind::kAllGather));
  CHECK_FALSE(possible(h100(), Algorithm::kPat, Protocol::kSimple, CollectiveKind::kAllGather));
  CHECK_FALSE(possible(h100(), Algorithm::kRing, Protocol::kSimple, CollectiveKind::kAllToAll));
  NcclGroup alone = a100(2, 2);
  alone = make_nccl_group(2, 2, 1, CollectiveFacts{});  // no rate known
  CHECK_FALSE(possible(alone, Algorithm::kRing));
}

}  // namespace plait
