// SPDX-License-Identifier: Apache-2.0
// Flows as op graphs, and lists of them as files.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "sim/error.hpp"
#include "workloads/csv_lines.hpp"
#include "workloads/traffic/traffic.hpp"

namespace plait {

namespace {

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

RankId parse_rank(std::string_view text) {
  const bool digits = !text.empty() && text.size() <= 7 &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  const std::int64_t rank = digits ? std::stoll(std::string(text)) : kMaxTrafficRanks;
  if (rank >= kMaxTrafficRanks)
    throw UserError(
        fmt::format("'{}' is not a rank; legal is 0 to {}", text, kMaxTrafficRanks - 1));
  return RankId(static_cast<std::size_t>(rank));
}

}  // namespace

Group all_ranks(std::uint32_t ranks) {
  Group all{"all", {}};
  for (std::uint32_t rank = 0; rank < ranks; ++rank) all.ranks.emplace_back(rank);
  return all;
}

namespace {

/// Ops of flows, rank by rank.
class FlowGraphs {
 public:
  FlowGraphs(std::uint32_t ranks, Duration think_time) : builders_(ranks), think_(think_time) {}

  void add(const Flow& flow) {
    Op op;
    op.size = flow.size;
    op.tag = next_tag_[{flow.source, flow.destination}]++;
    op.stream = next_stream_++;
    const std::string name =
        fmt::format("flow {} -> {}", flow.source.value(), flow.destination.value());
    OpGraphBuilder& source = builders_[flow.source.index()];
    std::vector<std::uint64_t> after = wait_for_chain(flow, op.stream);
    if (flow.start > Duration()) {
      source.add(cpu(op.stream, flow.start), "start", next_id_, std::move(after));
      after = {next_id_++};
    }
    op.kind = OpKind::kSend;
    op.peer = flow.destination;
    if (flow.chain != Flow::kNoChain) last_of_[{flow.source, flow.chain}] = next_id_;
    source.add(op, name, next_id_++, std::move(after));
    op.kind = OpKind::kRecv;
    op.peer = flow.source;
    builders_[flow.destination.index()].add(op, name, next_id_++, {});
  }

  Workload take() {
    Workload workload;
    workload.groups.push_back(all_ranks(static_cast<std::uint32_t>(builders_.size())));
    for (OpGraphBuilder& builder : builders_)
      workload.graphs.push_back(std::make_shared<const OpGraph>(std::move(builder).build("flows")));
    return workload;
  }

 private:
  static Op cpu(std::uint32_t stream, Duration duration) {
    Op op;
    op.device = Device::kCpu;
    op.stream = stream;
    op.duration = duration;
    return op;
  }
  // The op after which the chain goes on: its last flow, or the pause after it.
  std::vector<std::uint64_t> wait_for_chain(const Flow& flow, std::uint32_t stream) {
    const auto last = last_of_.find({flow.source, flow.chain});
    if (flow.chain == Flow::kNoChain || last == last_of_.end()) return {};
    if (think_ == Duration()) return {last->second};
    builders_[flow.source.index()].add(cpu(stream, think_), "think", next_id_, {last->second});
    return {next_id_++};
  }

  std::vector<OpGraphBuilder> builders_;
  Duration think_;
  std::map<std::pair<RankId, RankId>, std::uint32_t> next_tag_;
  std::map<std::pair<RankId, std::uint32_t>, std::uint64_t> last_of_;
  std::uint64_t next_id_ = 0;
  std::uint32_t next_stream_ = 0;
};

}  // namespace

Workload make_flow_workload(std::uint32_t ranks, const std::vector<Flow>& flows,
                            Duration think_time) {
  FlowGraphs graphs(ranks, think_time);
  for (const Flow& flow : flows) {
    check_flow(flow, ranks);
    graphs.add(flow);
  }
  return graphs.take();
}

Workload load_flow_list(const std::filesystem::path& file) {
  std::vector<Flow> flows;
  std::uint32_t ranks = 0;
  for_each_csv_line(file, "src,dst,bytes,start", [&](const CsvFields& fields) {
    const Flow flow{parse_rank(fields[0]), parse_rank(fields[1]), parse_bytes(fields[2]),
                    parse_duration(fields[3])};
    ranks = std::max({ranks, flow.source.value() + 1, flow.destination.value() + 1});
    check_flow(flow, ranks);
    flows.push_back(flow);
  });
  if (flows.empty()) throw UserError(fmt::format("{}: no flows", file.string()));
  return make_flow_workload(ranks, flows);
}

}  // namespace plait
