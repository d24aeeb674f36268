// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/rank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/error.hpp"
#include "workloads/chakra/attributes.hpp"
#include "workloads/chakra/file.hpp"

namespace plait {

namespace {

/// Values of Node.type and of the attribute comm_type, from Chakra's et_def.proto.
enum ChakraNodeType : std::uint32_t {
  kMetadata = 1,
  kMemoryLoad = 2,
  kMemoryStore = 3,
  kCompute = 4,
  kSend = 5,
  kRecv = 6,
  kCollective = 7,
  kStorage = 8,
  kBatch = 9,
  kCheckpoint = 10
};
constexpr std::int64_t kLastCommType = 9;

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 50;
constexpr std::uint64_t kMaxMicros = 30ULL * 86'400 * 1'000'000;  // a sum of many still fits
constexpr std::int64_t kMaxTag = UINT32_MAX;
/// Streams from here on are ours; recorded ones are below.
constexpr std::uint32_t kDerivedStreams = 1U << 31;

std::optional<CollectiveKind> collective_kind(std::int64_t comm_type) {
  switch (comm_type) {
    case 0:
      return CollectiveKind::kAllReduce;
    case 2:
      return CollectiveKind::kAllGather;
    case 5:
      return CollectiveKind::kBroadcast;
    case 6:
      return CollectiveKind::kAllToAll;
    case 7:  // REDUCE_SCATTER
    case 8:
      return CollectiveKind::kReduceScatter;  // REDUCE_SCATTER_BLOCK
    case 9:
      return CollectiveKind::kBarrier;
    default:
      return std::nullopt;  // REDUCE, GATHER, SCATTER
  }
}

bool is_cpu_op(const ChakraAttributes& attributes) {
  return attributes.integer("is_cpu_op").value_or(0) != 0;
}

struct ParsedNode {
  chakra::Node node;
  std::string where;  ///< File, byte offset, node number and id.
};

std::vector<ParsedNode> parse_file(const std::string& file) {
  const std::string data = read_maybe_gzip(file);
  const std::vector<ChakraFrame> frames = split_chakra_frames(data, file);
  std::vector<ParsedNode> nodes;
  nodes.reserve(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto size = static_cast<int>(frames[i].text.size());
    const std::string where = fmt::format("{}: byte {}, node {}", file, frames[i].offset, i);
    if (i == 0) {
      chakra::GlobalMetadata metadata;
      if (!metadata.ParseFromArray(frames[i].text.data(), size))
        throw UserError(where + ": not Chakra metadata (protobuf cannot read it)");
      continue;
    }
    ParsedNode& parsed = nodes.emplace_back();
    if (!parsed.node.ParseFromArray(frames[i].text.data(), size))
      throw UserError(where + ": not a Chakra node (protobuf cannot read it)");
    parsed.where = fmt::format("{} (id {})", where, parsed.node.id());
  }
  return nodes;
}

/// PyTorch's "## process_group:init ##" node carries a JSON list of the rank's groups as its input.
void declare_groups(const ParsedNode& parsed, RankId rank, ProcessGroups& groups) {
  const std::string& text = parsed.node.inputs().values();
  const std::size_t begin = text.find("[{");
  const std::size_t end = text.rfind("}]");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return;
  try {
    for (const auto& group : nlohmann::json::parse(text.substr(begin, end + 2 - begin))) {
      std::vector<RankId> ranks;
      for (const auto& member : group.at("ranks")) ranks.emplace_back(member.get<std::uint32_t>());
      groups.declare(rank, group.at("pg_name").get<std::string>(), std::move(ranks), parsed.where);
    }
  } catch (const nlohmann::json::exception& error) {
    throw UserError(
        fmt::format("{}: process groups cannot be read: {}", parsed.where, error.what()));
  }
}

/// Turns nodes into ops.
class Translator {
 public:
  Translator(RankId rank, const ProcessGroups& groups, bool has_gpu_collective)
      : rank_(rank), groups_(groups), has_gpu_collective_(has_gpu_collective) {}

  Op translate(const ParsedNode& parsed) {
    const ChakraAttributes attributes(parsed.node, parsed.where);
    Op op;
    op.device = is_cpu_op(attributes) ? Device::kCpu : Device::kGpu;
    switch (parsed.node.type()) {
      case kMetadata:
        op.device = Device::kCpu;
        op.stream = derived_stream(kMetadata, 0, 0);
        break;
      case kMemoryLoad:
      case kMemoryStore:
      case kStorage:
      case kBatch:
      case kCheckpoint:
      case kCompute:
        compute(op, parsed, attributes);
        break;
      case kSend:
        point_to_point(op, OpKind::kSend, "comm_dst", attributes);
        break;
      case kRecv:
        point_to_point(op, OpKind::kRecv, "comm_src", attributes);
        break;
      case kCollective:
        // PyTorch records the call on the CPU beside the kernel on the GPU: one of them moves data.
        if (op.device == Device::kCpu && has_gpu_collective_)
          compute(op, parsed, attributes);
        else
          collective(op, parsed, attributes);
        break;
      default:
        throw UserError(fmt::format("{}: node type {} is unknown; is this a Chakra trace?",
                                    parsed.where, parsed.node.type()));
    }
    return op;
  }

 private:
  void compute(Op& op, const ParsedNode& parsed, const ChakraAttributes& attributes) {
    if (parsed.node.duration_micros() > kMaxMicros)
      throw UserError(fmt::format("{}: a duration of {} us is longer than 30 days", parsed.where,
                                  parsed.node.duration_micros()));
    op.kind = OpKind::kCompute;
    op.duration = Duration::us(static_cast<std::int64_t>(parsed.node.duration_micros()));
    op.flops = attributes.amount("num_ops");
    op.memory_bytes = attributes.amount("tensor_size");
    op.stream = recorded_stream(attributes).value_or(0);
  }

  void point_to_point(Op& op, OpKind kind, std::string_view peer_attribute,
                      const ChakraAttributes& attributes) {
    op.kind = kind;
    op.peer = RankId(static_cast<std::size_t>(
        attributes.required(peer_attribute, UINT32_MAX - 1, "other rank of the message")));
    op.tag = static_cast<std::uint32_t>(attributes.at_most("comm_tag", kMaxTag).value_or(0));
    op.size = Bytes(attributes.required("comm_size", kMaxBytes, "size of the message"));
    op.stream = derived_stream(kind == OpKind::kSend ? kSend : kRecv, op.peer.value(), op.tag);
  }

  void collective(Op& op, const ParsedNode& parsed, const ChakraAttributes& attributes) {
    const std::int64_t type = attributes.required("comm_type", kLastCommType, "collective's kind");
    const std::optional<CollectiveKind> kind = collective_kind(type);
    if (!kind)
      throw UserError(
          fmt::format("{}: collectives of comm_type {} (reduce, gather and scatter to "
                      "one rank) cannot be simulated",
                      parsed.where, type));
    op.kind = OpKind::kCollective;
    op.collective = *kind;
    op.group = groups_.find(rank_, attributes.text("pg_name"), parsed.where);
    if (*kind != CollectiveKind::kBarrier)
      op.size = Bytes(attributes.required("comm_size", kMaxBytes, "collective's size"));
    op.peer = groups_.groups()[op.group.index()].ranks.front();
    if (const auto root = attributes.at_most("root", UINT32_MAX - 1))
      op.peer = RankId(static_cast<std::size_t>(*root));
    const std::optional<std::uint32_t> stream = recorded_stream(attributes);
    op.stream = stream ? *stream : derived_stream(kCollective, op.group.value(), 0);
  }

  /// The CUDA stream or CPU thread: `stream`, or `tid` as Chakra's PyTorch converter calls it.
  std::optional<std::uint32_t> recorded_stream(const ChakraAttributes& attributes) {
    for (const std::string_view name : {"stream", "tid"}) {
      const std::optional<std::int64_t> stream = attributes.integer(name);
      if (!stream) continue;
      if (*stream >= 0 && *stream < kDerivedStreams) return static_cast<std::uint32_t>(*stream);
      return derived_stream(kCompute, static_cast<std::uint32_t>(*stream >> 32),
                            static_cast<std::uint32_t>(*stream));
    }
    return std::nullopt;
  }

  std::uint32_t derived_stream(ChakraNodeType type, std::uint32_t a, std::uint32_t b) {
    const auto next = static_cast<std::uint32_t>(kDerivedStreams + derived_.size());
    return derived_.try_emplace({type, a, b}, next).first->second;
  }

  RankId rank_;
  const ProcessGroups& groups_;
  bool has_gpu_collective_;
  std::map<std::tuple<ChakraNodeType, std::uint32_t, std::uint32_t>, std::uint32_t> derived_;
};

using Dependencies = std::vector<std::vector<std::uint64_t>>;  // ids, by position in the file

/// Drops self and dangling dependencies, then, among the ops that a cycle still blocks, those that
/// point forward in the file: what is left points backward and cannot form a cycle.
void repair(const std::vector<ParsedNode>& nodes, Dependencies& needs, ChakraRepairs& repairs) {
  std::map<std::uint64_t, std::size_t> position;
  for (std::size_t i = 0; i < nodes.size(); ++i) position.emplace(nodes[i].node.id(), i);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::uint64_t id = nodes[i].node.id();
    repairs.self += std::erase(needs[i], id);
    repairs.dangling +=
        std::erase_if(needs[i], [&](std::uint64_t need) { return !position.contains(need); });
  }

  std::vector<std::size_t> missing(nodes.size());
  std::vector<std::vector<std::size_t>> followers(nodes.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    missing[i] = needs[i].size();
    for (const std::uint64_t need : needs[i]) followers[position[need]].push_back(i);
    if (missing[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    const std::size_t done = ready.back();
    ready.pop_back();
    for (const std::size_t follower : followers[done])
      if (--missing[follower] == 0) ready.push_back(follower);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (missing[i] > 0)
      repairs.forward += std::erase_if(needs[i], [&](std::uint64_t need) {
        return position[need] > i && missing[position[need]] > 0;
      });
}

}  // namespace

OpGraph read_chakra_rank(const std::filesystem::path& file, RankId rank, ProcessGroups& groups,
                         ChakraRepairs* repairs) {
  const std::vector<ParsedNode> nodes = parse_file(file.string());
  bool has_gpu_collective = false;
  for (const ParsedNode& parsed : nodes) {
    if (parsed.node.name().find("process_group:init") != std::string::npos)
      declare_groups(parsed, rank, groups);
    has_gpu_collective |= parsed.node.type() == kCollective &&
                          !is_cpu_op(ChakraAttributes(parsed.node, parsed.where));
  }

  Dependencies needs;
  for (const ParsedNode& parsed : nodes) {
    std::vector<std::uint64_t>& list =
        needs.emplace_back(parsed.node.data_deps().begin(), parsed.node.data_deps().end());
    list.insert(list.end(), parsed.node.ctrl_deps().begin(), parsed.node.ctrl_deps().end());
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  if (repairs != nullptr) repair(nodes, needs, *repairs);

  Translator translator(rank, groups, has_gpu_collective);
  OpGraphBuilder builder;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    builder.add(translator.translate(nodes[i]), nodes[i].node.name(), nodes[i].node.id(),
                std::move(needs[i]));
  return std::move(builder).build(file.string());
}

}  // namespace plait
