// SPDX-License-Identifier: Apache-2.0
#include "workloads/simai/reader.hpp"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <utility>

#include "sim/error.hpp"
#include "workloads/simai/layers.hpp"

namespace plait {

namespace {

/// Sizes of the groups; ranks count tensor first, then expert, then data, then pipeline.
struct Shape {
  std::uint32_t ranks = 1, tensor = 1, expert = 1, data = 1;  // data: expert ranks included

  /// Ranks of the group, and how far apart they are.
  std::pair<std::uint32_t, std::uint32_t> span(SimaiGroup group) const {
    switch (group) {
      case SimaiGroup::kTensor:
        return {tensor, 1};
      case SimaiGroup::kData:
        return {data, tensor};
      case SimaiGroup::kExpert:
        return {expert, tensor};
      case SimaiGroup::kDataExpert:
        return {data / expert, tensor * expert};
    }
    return {1, 1};
  }
};

Shape shape_of(const SimaiText& text, std::optional<std::uint32_t> ranks, const std::string& file) {
  const SourceLocation header{file, 1, 0};
  if (text.all_ranks == 0 && !ranks)
    throw UserError(header, "the header does not say all_gpus; give the number of ranks");
  if (text.all_ranks != 0 && ranks && *ranks != text.all_ranks)
    throw UserError(
        header, fmt::format("the text is made for {} ranks, not for {}", text.all_ranks, *ranks));
  Shape shape;
  shape.ranks = ranks ? *ranks : text.all_ranks;
  if (text.policy != SimaiPolicy::kTransformer) {  // all ranks are one data-parallel group
    shape.data = shape.ranks;
    return shape;
  }
  const std::uint64_t block = std::uint64_t{text.tensor} * text.pipeline;
  if (shape.ranks % block != 0)
    throw UserError(header, fmt::format("{} ranks are no multiple of {} tensor times {} pipeline "
                                        "ranks",
                                        shape.ranks, text.tensor, text.pipeline));
  shape.tensor = text.tensor;
  shape.expert = text.expert;
  shape.data = shape.ranks / static_cast<std::uint32_t>(block);
  if (shape.data % shape.expert != 0)
    throw UserError(header, fmt::format("{} data-parallel ranks are no multiple of {} expert ranks",
                                        shape.data, shape.expert));
  return shape;
}

/// The graph that all ranks share: groups are roles by SimaiGroup, as are the roots of broadcasts.
class GraphWriter {
 public:
  GraphWriter(const SimaiText& text, const Shape& shape) : text_(text), shape_(shape) {}

  OpGraph write(const std::string& file) {
    const auto count = text_.layers.size();
    if (text_.policy == SimaiPolicy::kMicro) {
      for (const SimaiLayer& layer : text_.layers) add_phase(layer, kSimaiWeightGradient, true);
      return std::move(builder_).build(file);
    }
    for (const SimaiLayer& layer : text_.layers) add_phase(layer, kSimaiForward, true);
    for (std::size_t i = count; i-- > 0;) {
      if (text_.layers[i].recomputes) recompute(i);
      add_phase(text_.layers[i], kSimaiInputGradient, true);
      add_phase(text_.layers[i], kSimaiWeightGradient, false);
    }
    return std::move(builder_).build(file);
  }

 private:
  static constexpr std::uint32_t kComputeStream = 0;

  void recompute(std::size_t layer) {
    std::size_t first = layer;
    while (!text_.layers[first].checkpoint) --first;
    for (; first < layer; ++first) add_phase(text_.layers[first], kSimaiForward, true);
  }

  /// @param blocking what comes next waits for the collective.
  void add_phase(const SimaiLayer& layer, SimaiPhaseIndex index, bool blocking) {
    static constexpr std::array<std::string_view, 3> kNames{"forward", "input gradient",
                                                            "weight gradient"};
    const SimaiPhase& phase = layer.phases[index];
    const std::string_view name = text_.names.text(layer.name);
    Op op;
    op.stream = kComputeStream;
    op.duration = phase.compute;
    if (phase.compute > Duration{})
      last_ = {add(op, fmt::format("{} {}", name, kNames[index]), last_)};
    if (!phase.collective) return;
    const SimaiCollective& collective = *phase.collective;
    const auto [members, apart] = shape_.span(collective.group);
    if (members == 1) return;
    op = Op{};
    op.kind = OpKind::kCollective;
    op.collective = collective.kind;
    op.group = GroupId(static_cast<std::uint32_t>(collective.group));
    op.peer = RankId(static_cast<std::uint32_t>(collective.group));
    op.stream = 1 + static_cast<std::uint32_t>(collective.group);
    op.size = collective.size;
    if (collective.kind == CollectiveKind::kAllGather)
      op.size = Bytes((collective.size.count() + members - 1) / members);
    Ids done{
        add(op, fmt::format("{} {} {}", name, kNames[index], to_string(op.collective)), last_)};
    if (layer.update > Duration{}) {
      op = Op{};
      op.device = Device::kCpu;
      op.duration = layer.update;
      op.stream = 1 + static_cast<std::uint32_t>(collective.group);
      done = {add(op, fmt::format("{} update", name), done)};
    }
    if (blocking) last_ = std::move(done);
  }

  using Ids = std::vector<std::uint64_t>;

  std::uint64_t add(const Op& op, const std::string& name, const Ids& after) {
    builder_.add(op, name, next_id_, after);
    return next_id_++;
  }

  const SimaiText& text_;
  const Shape& shape_;
  OpGraphBuilder builder_;
  std::uint64_t next_id_ = 0;
  Ids last_;  // what the next phase waits for
};

/// The groups of more than one rank, and each rank's own among them.
void add_groups(Workload& workload, const Shape& shape) {
  static constexpr std::array<std::string_view, kSimaiGroups> kNames{"tp", "dp", "ep", "dp_ep"};
  workload.bindings.resize(shape.ranks);
  for (std::size_t kind = 0; kind < kSimaiGroups; ++kind) {
    const auto [members, apart] = shape.span(static_cast<SimaiGroup>(kind));
    std::vector<GroupId> of_rank(shape.ranks, GroupId(0));
    std::vector<RankId> root_of_rank(shape.ranks, RankId(0));
    std::uint32_t number = 0;
    for (std::uint32_t first = 0; first < shape.ranks && members > 1; ++first) {
      if (of_rank[first] != GroupId(0)) continue;
      Group group{fmt::format("{}{}", kNames[kind], number++), {}};
      for (std::uint32_t k = 0; k < members; ++k) {
        const std::uint32_t rank = first + k * apart;
        group.ranks.emplace_back(rank);
        of_rank[rank] = GroupId(workload.groups.size());
        root_of_rank[rank] = RankId(first);
      }
      workload.groups.push_back(std::move(group));
    }
    for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
      workload.bindings[rank].groups.push_back(of_rank[rank]);
      workload.bindings[rank].peers.push_back(root_of_rank[rank]);
    }
  }
}

}  // namespace

Workload load_simai_workload(const std::string& file, std::optional<std::uint32_t> ranks,
                             std::vector<std::string>* warnings) {
  const SimaiText text = read_simai_text(file);
  const Shape shape = shape_of(text, ranks, file);
  if (warnings != nullptr && text.pipeline > 1)
    warnings->push_back(fmt::format(
        "{}: pp {}: every pipeline stage does what the text says; messages between stages and "
        "bubbles are not in the text and are left out",
        file, text.pipeline));
  Workload workload;
  Group all{"all", {}};
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) all.ranks.emplace_back(rank);
  workload.groups.push_back(std::move(all));
  add_groups(workload, shape);
  workload.graphs.assign(shape.ranks,
                         std::make_shared<const OpGraph>(GraphWriter(text, shape).write(file)));
  return workload;
}

}  // namespace plait
