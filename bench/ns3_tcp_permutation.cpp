// SPDX-License-Identifier: Apache-2.0
// The public reference of bench/run: the permutation of fabric_bench on ns-3 as Debian ships it
// (package libns3-dev), over TCP, because that is what ns-3 has for everybody. bench/README.md says
// what differs. Usage: ns3_tcp_permutation [HOSTS [US]], HOSTS one of 16, 128, 1024.
#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

using namespace ns3;

namespace {

using Clock = std::chrono::steady_clock;

std::uint32_t half = 0;  // k / 2 of the fat tree
std::uint64_t hops = 0;  // frames sent by all ports

Ipv4Address address(std::uint32_t host) { return Ipv4Address(0x0a000001U + host); }
std::uint32_t host_of(Ipv4Address to) { return to.Get() - 0x0a000001U; }

/// Shortest paths in closed form and ECMP by flow, which ns-3 does not have: its tables are
/// searched entry by entry, and its random choice is one a packet.
class FatTreeRouting : public Ipv4RoutingProtocol {
 public:
  /// @param tier 0 host, 1 edge, 2 aggregation, 3 core. @param number of the node in its tier.
  FatTreeRouting(std::uint32_t tier, std::uint32_t number) : tier_(tier), number_(number) {}

  Ptr<Ipv4Route> RouteOutput(Ptr<Packet>, const Ipv4Header& header, Ptr<NetDevice>,
                             Socket::SocketErrno& error) override {
    error = Socket::ERROR_NOTERROR;
    return route(header, ipv4_->GetAddress(1, 0).GetLocal());
  }
  bool RouteInput(Ptr<const Packet> packet, const Ipv4Header& header, Ptr<const NetDevice> device,
                  UnicastForwardCallback forward, MulticastForwardCallback,
                  LocalDeliverCallback deliver, ErrorCallback) override {
    if (tier_ == 0) {
      deliver(packet, header, ipv4_->GetInterfaceForDevice(device));
    } else {
      forward(route(header, header.GetSource()), packet, header);
    }
    return true;
  }
  void NotifyInterfaceUp(std::uint32_t) override {}
  void NotifyInterfaceDown(std::uint32_t) override {}
  void NotifyAddAddress(std::uint32_t, Ipv4InterfaceAddress) override {}
  void NotifyRemoveAddress(std::uint32_t, Ipv4InterfaceAddress) override {}
  void SetIpv4(Ptr<Ipv4> ipv4) override { ipv4_ = ipv4; }
  void PrintRoutingTable(Ptr<OutputStreamWrapper>, Time::Unit) const override {}

 private:
  Ptr<Ipv4Route> route(const Ipv4Header& header, Ipv4Address source) const {
    const Ipv4Address to = header.GetDestination();
    Ptr<Ipv4Route> route = Create<Ipv4Route>();
    route->SetSource(source);
    route->SetDestination(to);
    route->SetGateway(to);
    route->SetOutputDevice(ipv4_->GetNetDevice(1 + port(host_of(source), host_of(to))));
    return route;
  }
  std::uint32_t port(std::uint32_t from, std::uint32_t to) const {
    const std::uint32_t edge = to / half, pod = edge / half;
    if (tier_ == 0) return 0;
    if (tier_ == 1 && edge == number_) return to % half;
    if (tier_ == 2 && pod == number_ / half) return edge % half;
    if (tier_ == 3) return pod;
    std::uint64_t hash = (std::uint64_t{from} << 32 | to) + 0x9e3779b97f4a7c15U * (1 + tier_);
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebU;
    return half + static_cast<std::uint32_t>((hash >> 33) % half);
  }

  std::uint32_t tier_, number_;
  Ptr<Ipv4> ipv4_;
};

class FatTreeHelper : public Ipv4RoutingHelper {
 public:
  explicit FatTreeHelper(std::uint32_t tier) : tier_(tier) {}
  FatTreeHelper* Copy() const override { return new FatTreeHelper(*this); }
  Ptr<Ipv4RoutingProtocol> Create(Ptr<Node>) const override {
    return CreateObject<FatTreeRouting>(tier_, next_++);
  }

 private:
  std::uint32_t tier_;
  mutable std::uint32_t next_ = 0;  // nodes of a tier come in order
};

void count_hop(Ptr<const Packet>) { ++hops; }

/// Cables two nodes; ports are numbered in order of cabling.
void cable(PointToPointHelper& links, Ptr<Node> a, Ptr<Node> b) {
  const NetDeviceContainer ends = links.Install(a, b);
  for (std::uint32_t i = 0; i < 2; ++i) {
    ends.Get(i)->TraceConnectWithoutContext("PhyTxEnd", MakeCallback(&count_hop));
    Ptr<Ipv4> ipv4 = ends.Get(i)->GetNode()->GetObject<Ipv4>();
    const std::uint32_t interface = ipv4->AddInterface(ends.Get(i));
    ipv4->SetForwarding(interface, true);
    ipv4->SetUp(interface);
  }
}

NodeContainer make_tier(std::uint32_t tier, std::uint32_t count) {
  NodeContainer nodes;
  nodes.Create(count);
  InternetStackHelper stack;
  stack.SetIpv6StackInstall(false);
  stack.SetRoutingHelper(FatTreeHelper(tier));
  stack.Install(nodes);
  return nodes;
}

NodeContainer make_fat_tree() {
  const std::uint32_t k = 2 * half;
  const NodeContainer hosts = make_tier(0, k * half * half), edges = make_tier(1, k * half),
                      aggregations = make_tier(2, k * half), cores = make_tier(3, half * half);
  PointToPointHelper links;
  links.SetDeviceAttribute("DataRate", StringValue("100Gbps"));
  links.SetChannelAttribute("Delay", StringValue("1us"));
  links.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("1000p"));
  for (std::uint32_t h = 0; h < hosts.GetN(); ++h) {
    cable(links, hosts.Get(h), edges.Get(h / half));
    hosts.Get(h)->GetObject<Ipv4>()->AddAddress(1, {address(h), Ipv4Mask::GetOnes()});
  }
  for (std::uint32_t e = 0; e < edges.GetN(); ++e)
    for (std::uint32_t a = 0; a < half; ++a)
      cable(links, edges.Get(e), aggregations.Get(e / half * half + a));
  for (std::uint32_t a = 0; a < aggregations.GetN(); ++a)
    for (std::uint32_t c = 0; c < half; ++c)
      cable(links, aggregations.Get(a), cores.Get(a % half * half + c));
  return hosts;
}

void start_permutation(const NodeContainer& hosts) {
  std::vector<std::uint32_t> to(hosts.GetN());
  std::iota(to.begin(), to.end(), 0U);
  std::mt19937 random(1);
  for (std::size_t i = to.size() - 1; i > 0; --i) std::swap(to[i], to[random() % (i + 1)]);
  for (std::size_t h = 0; h < to.size(); ++h)
    if (to[h] == h) std::swap(to[h], to[(h + 1) % to.size()]);
  constexpr std::uint16_t kPort = 9;
  PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), kPort));
  sink.Install(hosts);
  for (std::uint32_t h = 0; h < to.size(); ++h) {
    BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(address(to[h]), kPort));
    source.SetAttribute("SendSize", UintegerValue(100'000));
    source.Install(hosts.Get(h));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint32_t count = argc > 1 ? std::atoi(argv[1]) : 128;
  const int us = argc > 2 ? std::atoi(argv[2]) : 200;
  half = count == 16 ? 2 : count == 128 ? 4 : count == 1024 ? 8 : 0;
  if (half == 0 || us < 1) {
    std::fprintf(stderr, "usage: ns3_tcp_permutation [16|128|1024 [MICROSECONDS]]\n");
    return 2;
  }
  // Windows of the bandwidth-delay product from the start, an ACK for every packet. ns-3 looks
  // through all of a window for each segment that it sends, so larger ones are slower.
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1000));
  Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(160));
  Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(4'000'000));
  Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(4'000'000));
  Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(1));
  start_permutation(make_fat_tree());

  // From 50 us on all flows have shaken hands and fill their paths.
  constexpr int kWarmUs = 50;
  Simulator::Stop(MicroSeconds(kWarmUs));
  Simulator::Run();
  const std::uint64_t hops_before = hops;
  const Clock::time_point start = Clock::now();
  Simulator::Stop(MicroSeconds(us));
  Simulator::Run();
  const double wall_s = std::chrono::duration<double>(Clock::now() - start).count();
  const std::uint64_t measured = hops - hops_before;
  std::printf(
      "{\"hosts\": %u, \"mhops_per_s\": %.4f, \"packet_hops\": %llu, \"wall_s\": %.3f, "
      "\"simulated_us\": %d}\n",
      count, 1e-6 * static_cast<double>(measured) / wall_s,
      static_cast<unsigned long long>(measured), wall_s, us);
  Simulator::Destroy();
}
