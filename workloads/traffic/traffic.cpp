// SPDX-License-Identifier: Apache-2.0
#include "workloads/traffic/traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "sim/error.hpp"
#include "sim/param_check.hpp"
#include "sim/random.hpp"

namespace plait {

namespace {

constexpr std::int64_t kMaxRanks = 1 << 20;
// Each costs a few hundred bytes before the run starts.
constexpr std::int64_t kMaxAllToAllFlows = 10'000'000;
constexpr std::uint32_t kPermutationPurpose = 0x7065726d;  // "perm"

Group all_ranks(std::uint32_t ranks) {
  Group all{"all", {}};
  for (std::uint32_t rank = 0; rank < ranks; ++rank) all.ranks.emplace_back(rank);
  return all;
}

/// Sattolo's algorithm: a uniform cyclic permutation, so no rank sends to itself.
std::vector<std::uint32_t> random_cycle(std::uint32_t ranks, std::uint64_t seed) {
  std::vector<std::uint32_t> target(ranks);
  std::iota(target.begin(), target.end(), 0U);
  RandomStream random(seed, 0, kPermutationPurpose);
  for (std::uint32_t i = ranks - 1; i > 0; --i) std::swap(target[i], target[random.below(i)]);
  return target;
}

void check_flow(const Flow& flow, std::uint32_t ranks) {
  for (const RankId rank : {flow.source, flow.destination})
    if (rank.value() >= ranks)
      throw UserError(fmt::format("flow {} -> {}: there are ranks 0 to {}", flow.source.value(),
                                  flow.destination.value(), ranks - 1));
  if (flow.source == flow.destination)
    throw UserError(fmt::format("flow {} -> {}: a rank cannot send to itself", flow.source.value(),
                                flow.destination.value()));
  if (flow.size < Bytes(0) || flow.start < Duration())
    throw UserError(fmt::format("flow {} -> {}: size and start cannot be negative",
                                flow.source.value(), flow.destination.value()));
}

void check_all_to_all(std::int64_t ranks) {
  const std::int64_t flows = ranks * (ranks - 1);
  if (flows > kMaxAllToAllFlows)
    throw UserError(
        fmt::format("all_to_all between {} ranks has {} flows; at most {} fit, so at "
                    "most 3162 ranks",
                    ranks, flows, kMaxAllToAllFlows));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

RankId parse_rank(std::string_view text) {
  const bool digits = !text.empty() && text.size() <= 7 &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  const std::int64_t rank = digits ? std::stoll(std::string(text)) : kMaxRanks;
  if (rank >= kMaxRanks)
    throw UserError(fmt::format("'{}' is not a rank; legal is 0 to {}", text, kMaxRanks - 1));
  return RankId(static_cast<std::size_t>(rank));
}

Flow parse_flow(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    fields.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (fields.size() != 4)
    throw UserError(fmt::format("expected src,dst,bytes,start, got {} fields", fields.size()));
  return {parse_rank(fields[0]), parse_rank(fields[1]), parse_bytes(fields[2]),
          parse_duration(fields[3])};
}

}  // namespace

Workload make_flow_workload(std::uint32_t ranks, const std::vector<Flow>& flows) {
  std::vector<OpGraphBuilder> builders(ranks);
  std::map<std::pair<RankId, RankId>, std::uint32_t> next_tag;
  std::uint64_t next_id = 0;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const Flow& flow = flows[i];
    check_flow(flow, ranks);
    Op op;
    op.size = flow.size;
    op.tag = next_tag[{flow.source, flow.destination}]++;
    op.stream = static_cast<std::uint32_t>(i);
    const std::string name =
        fmt::format("flow {} -> {}", flow.source.value(), flow.destination.value());
    OpGraphBuilder& source = builders[flow.source.index()];
    std::vector<std::uint64_t> after;
    if (flow.start > Duration()) {
      Op delay;
      delay.device = Device::kCpu;
      delay.stream = op.stream;
      delay.duration = flow.start;
      after.push_back(next_id);
      source.add(delay, "start", next_id++, {});
    }
    op.kind = OpKind::kSend;
    op.peer = flow.destination;
    source.add(op, name, next_id++, std::move(after));
    op.kind = OpKind::kRecv;
    op.peer = flow.source;
    builders[flow.destination.index()].add(op, name, next_id++, {});
  }
  Workload workload;
  workload.groups.push_back(all_ranks(ranks));
  for (OpGraphBuilder& builder : builders)
    workload.graphs.push_back(std::make_shared<const OpGraph>(std::move(builder).build("flows")));
  return workload;
}

void describe(ParamVisitor& visitor, TrafficParams& params) {
  constexpr std::string_view kOurs = "Plait's choice";
  visitor.choice({"pattern", "who sends to whom", kOurs}, params.pattern,
                 {{"permutation", "every rank sends to one other, drawn from the seed"},
                  {"shift", "rank r sends to rank r + shift"},
                  {"incast", "all ranks send to rank 0"},
                  {"all_to_all", "every rank sends to every other"}});
  visitor.field({"ranks", "number of ranks", kOurs}, params.ranks, {2, kMaxRanks});
  visitor.field({"size", "size of each flow", kOurs}, params.size, {Bytes(0), Bytes::gibi(1024)});
  visitor.field({"shift", "distance of the shift pattern", kOurs}, params.shift, {1, kMaxRanks});
}

std::vector<Flow> make_traffic_flows(const TrafficParams& params, std::uint64_t seed) {
  check_ranges(params, "traffic");
  if (params.pattern == TrafficPattern::kAllToAll) check_all_to_all(params.ranks);
  const auto ranks = static_cast<std::uint32_t>(params.ranks);
  std::vector<Flow> flows;
  const auto add = [&](std::uint32_t source, std::uint32_t destination) {
    flows.push_back({RankId(source), RankId(destination), params.size, {}});
  };
  switch (params.pattern) {
    case TrafficPattern::kPermutation: {
      const std::vector<std::uint32_t> target = random_cycle(ranks, seed);
      for (std::uint32_t rank = 0; rank < ranks; ++rank) add(rank, target[rank]);
      break;
    }
    case TrafficPattern::kShift:
      if (params.shift % ranks == 0)
        throw UserError(fmt::format("a shift by {} over {} ranks sends from ranks to themselves",
                                    params.shift, ranks));
      for (std::uint32_t rank = 0; rank < ranks; ++rank)
        add(rank, static_cast<std::uint32_t>((rank + params.shift) % ranks));
      break;
    case TrafficPattern::kIncast:
      for (std::uint32_t rank = 1; rank < ranks; ++rank) add(rank, 0);
      break;
    case TrafficPattern::kAllToAll:
      // Distance-major: the first flows of all ranks go to different destinations.
      for (std::uint32_t distance = 1; distance < ranks; ++distance)
        for (std::uint32_t rank = 0; rank < ranks; ++rank) add(rank, (rank + distance) % ranks);
      break;
  }
  return flows;
}

Workload make_traffic(const TrafficParams& params, std::uint64_t seed) {
  const std::vector<Flow> flows = make_traffic_flows(params, seed);
  return make_flow_workload(static_cast<std::uint32_t>(params.ranks), flows);
}

Workload load_flow_list(const std::filesystem::path& file) {
  constexpr std::string_view kHeader = "src,dst,bytes,start";
  std::ifstream in(file);
  if (!in) throw UserError(fmt::format("{}: cannot be opened", file.string()));
  std::vector<Flow> flows;
  std::uint32_t ranks = 0;
  bool has_header = false;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#') continue;
    const SourceLocation where{file.string(), number, 0};
    if (!has_header) {
      if (text != kHeader)
        throw UserError(where, fmt::format("the first line must be '{}'", kHeader));
      has_header = true;
      continue;
    }
    try {
      const Flow flow = parse_flow(text);
      ranks = std::max({ranks, flow.source.value() + 1, flow.destination.value() + 1});
      check_flow(flow, ranks);
      flows.push_back(flow);
    } catch (const UserError& error) {
      throw UserError(where, error.what());
    }
  }
  if (flows.empty()) throw UserError(fmt::format("{}: no flows", file.string()));
  return make_flow_workload(ranks, flows);
}

void describe(ParamVisitor& visitor, CollectiveTrafficParams& params) {
  constexpr std::string_view kOurs = "Plait's choice";
  visitor.choice({"kind", "which collective", kOurs}, params.kind,
                 {{"all_reduce", "size: the buffer of each rank"},
                  {"all_gather", "size: what each rank contributes"},
                  {"reduce_scatter", "size: the whole input of each rank"},
                  {"broadcast", "size: the buffer of the root, rank 0"},
                  {"all_to_all", "size: the whole input of each rank"},
                  {"barrier", "no data; size is ignored"},
                  {"reduce", "size: the buffer of each rank; to rank 0"},
                  {"gather", "size: what each rank contributes; to rank 0"},
                  {"scatter", "size: what each rank gets; from rank 0"}});
  visitor.field({"ranks", "number of ranks", kOurs}, params.ranks, {1, kMaxRanks});
  visitor.field({"size", "bytes of one rank, see kind", kOurs}, params.size,
                {Bytes(0), Bytes::gibi(1024)});
  visitor.field({"repeat", "how many times, one after another", kOurs}, params.repeat,
                {1, 1'000'000});
}

Workload make_collective_workload(const CollectiveTrafficParams& params) {
  check_ranges(params, "collective");
  if (params.kind == CollectiveKind::kAllToAll) check_all_to_all(params.ranks);
  Op op;
  op.kind = OpKind::kCollective;
  op.collective = params.kind;
  op.size = params.kind == CollectiveKind::kBarrier ? Bytes(0) : params.size;
  op.group = GroupId(0);
  op.peer = RankId(0);
  OpGraphBuilder builder;
  for (std::int64_t i = 0; i < params.repeat; ++i)
    builder.add(op, to_string(params.kind), static_cast<std::uint64_t>(i), {});
  const auto graph = std::make_shared<const OpGraph>(std::move(builder).build("collective"));
  Workload workload;
  workload.graphs.assign(static_cast<std::size_t>(params.ranks), graph);
  workload.groups.push_back(all_ranks(static_cast<std::uint32_t>(params.ranks)));
  return workload;
}

}  // namespace plait
