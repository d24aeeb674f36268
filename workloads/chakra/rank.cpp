// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/rank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory_resource>
#include <optional>
#include <tuple>
#include <utility>

#include "sim/error.hpp"
#include "workloads/chakra/attributes.hpp"
#include "workloads/chakra/group_node.hpp"
#include "workloads/chakra/names.hpp"
#include "workloads/chakra/node_source.hpp"

namespace plait {

namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 50;
constexpr std::uint64_t kMaxMicros = 30ULL * 86'400 * 1'000'000;  // a sum of many still fits
constexpr std::int64_t kMaxTag = UINT32_MAX;
/// Streams from here on are ours; recorded ones are below.
constexpr std::uint32_t kDerivedStreams = 1U << 31;

bool is_cpu_op(const ChakraAttributes& attributes) {
  return attributes.integer("is_cpu_op").value_or(0) != 0;
}

/// Turns nodes into ops as they come. What depends on the rest of the file (groups may be declared
/// after they are used; a CPU-side collective counts only where there are no GPU-side ones) is
/// settled by finish().
class Translator {
 public:
  Translator(RankId rank, ProcessGroups& groups, const TraceLog& log, ChakraRepairs& repairs,
             std::vector<UnevenCall>& uneven)
      : rank_(rank), groups_(groups), log_(log), repairs_(repairs), uneven_(uneven) {}

  void add(const chakra::Node& node, const ChakraPlace& where) {
    if (node.name().find(kProcessGroupInit) != std::string::npos)
      log_.attempt(TraceProblem::kGroup,
                   [&] { declare_groups(node, where, rank_, groups_, log_.strict); });
    if (ChakraAttributes(node, where).integer(kOnlyGroups)) return;
    Op op;
    const std::size_t pending = pending_.size();
    starts_.clear();
    const bool good = log_.attempt(TraceProblem::kOp, [&] {
      op = translate(node, where);
      read_own_attributes(op, ChakraAttributes(node, where));
    });
    if (!good) pending_.resize(pending);
    needs_.assign(node.data_deps().begin(), node.data_deps().end());
    needs_.insert(needs_.end(), node.ctrl_deps().begin(), node.ctrl_deps().end());
    std::sort(needs_.begin(), needs_.end());
    needs_.erase(std::unique(needs_.begin(), needs_.end()), needs_.end());
    builder_.add(op, node.name(), node.id(), needs_, starts_);
  }

  OpGraphBuilder finish() {
    std::map<GroupId, std::uint32_t> stream_of_group;
    for (const Pending& call : pending_) {
      Op& op = builder_.op(call.position);
      // PyTorch records the call on the CPU beside the kernel on the GPU: one of them moves data.
      if (op.device == Device::kCpu && has_gpu_collective_) {
        as_compute(op, call);
        continue;
      }
      if (call.error != NameTable::kNone) {
        log_.fail(TraceProblem::kOp, std::string(texts_.text(call.error)));
        as_compute(op, call);
        continue;
      }
      if (call.opaque) {
        ++repairs_.opaque_collectives;
        as_compute(op, call);
        continue;
      }
      if (!log_.attempt(TraceProblem::kGroup, [&] { settle(op, call, stream_of_group); }))
        as_compute(op, call);
    }
    return std::move(builder_);
  }

 private:
  /// A collective whose group is looked up when the whole file is read.
  struct Pending {
    std::uint32_t position = 0;
    std::uint32_t group = 0;  ///< Its name, in texts_.
    Duration duration{};
    std::optional<std::uint32_t> stream;
    std::uint32_t derived_stream = 0;
    /// What a CPU-side one lacks, in texts_; it may never be asked for it.
    std::uint32_t error = NameTable::kNone;
    bool opaque = false;
    ChakraPlace where;
  };

  static void as_compute(Op& op, const Pending& call) {
    Op compute;
    compute.device = op.device;
    compute.name = op.name;
    compute.duration = call.duration;
    compute.stream = call.stream.value_or(0);
    op = compute;
  }

  void settle(Op& op, const Pending& call, std::map<GroupId, std::uint32_t>& stream_of_group) {
    op.group = groups_.find(rank_, std::string(texts_.text(call.group)), call.where.text());
    if (!op.peer.valid()) op.peer = groups_.groups()[op.group.index()].ranks.front();
    op.stream = call.stream
                    ? *call.stream
                    : stream_of_group.try_emplace(op.group, call.derived_stream).first->second;
  }

  Op translate(const chakra::Node& node, const ChakraPlace& where) {
    const ChakraAttributes attributes(node, where);
    Op op;
    op.device = is_cpu_op(attributes) ? Device::kCpu : Device::kGpu;
    switch (node.type()) {
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
        op.duration = duration(node, where, attributes);
        op.flops = attributes.amount("num_ops");
        op.memory_bytes = attributes.amount("tensor_size");
        op.stream = recorded_stream(attributes).value_or(0);
        break;
      case kSend:
        point_to_point(op, OpKind::kSend, "comm_dst", attributes);
        break;
      case kRecv:
        point_to_point(op, OpKind::kRecv, "comm_src", attributes);
        break;
      case kCollective:
        collective(op, node, where, attributes);
        break;
      default:
        throw UserError(fmt::format("{}: node type {} is unknown; is this a Chakra trace?",
                                    where.text(), node.type()));
    }
    return op;
  }

  /// What Plait's writer adds (names.hpp).
  void read_own_attributes(Op& op, const ChakraAttributes& attributes) {
    op.in_order = attributes.integer(kAnyOrder).value_or(0) == 0;
    op.nic = static_cast<std::uint8_t>(attributes.at_most(kNic, UINT8_MAX).value_or(0));
    for (const std::int64_t id : attributes.list(kStartsAfter))
      starts_.push_back(static_cast<std::uint64_t>(id));
  }

  static Duration duration(const chakra::Node& node, const ChakraPlace& where,
                           const ChakraAttributes& attributes) {
    if (node.duration_micros() > kMaxMicros)
      throw UserError(fmt::format("{}: a duration of {} us is longer than 30 days", where.text(),
                                  node.duration_micros()));
    constexpr std::int64_t kMaxPicos = std::int64_t{1} << 53;  // what integer() can tell apart
    if (const auto exact = attributes.at_most(kExactDuration, kMaxPicos))
      return Duration::ps(*exact);
    return Duration::us(static_cast<std::int64_t>(node.duration_micros()));
  }

  void point_to_point(Op& op, OpKind kind, std::string_view peer_attribute,
                      const ChakraAttributes& attributes) {
    op.kind = kind;
    op.peer = RankId(static_cast<std::size_t>(
        attributes.required(peer_attribute, UINT32_MAX - 1, "other rank of the message")));
    op.tag = static_cast<std::uint32_t>(attributes.at_most("comm_tag", kMaxTag).value_or(0));
    op.size = Bytes(attributes.required("comm_size", kMaxBytes, "size of the message"));
    const auto exact = attributes.at_most(kExactStream, UINT32_MAX);
    op.stream =
        exact ? static_cast<std::uint32_t>(*exact)
              : derived_stream(kind == OpKind::kSend ? kSend : kRecv, op.peer.value(), op.tag);
  }

  void collective(Op& op, const chakra::Node& node, const ChakraPlace& where,
                  const ChakraAttributes& attributes) {
    Pending& call = pending_.emplace_back();
    call.position = static_cast<std::uint32_t>(builder_.size());
    call.where = where;
    call.duration = duration(node, where, attributes);
    call.stream = recorded_stream(attributes);
    const bool on_cpu = op.device == Device::kCpu;
    has_gpu_collective_ |= !on_cpu;
    op.kind = OpKind::kCollective;
    call.opaque = !log_.strict && !attributes.integer("comm_type") &&
                  !attributes.integer("comm_size") && node.duration_micros() > 0;
    if (call.opaque) return;
    try {
      describe_call(op, call, node, attributes);
    } catch (const UserError& error) {
      if (!on_cpu) throw;
      call.error = texts_.number_of(error.what());
    }
  }

  void describe_call(Op& op, Pending& call, const chakra::Node& node,
                     const ChakraAttributes& attributes) {
    const std::int64_t type =
        attributes.required("comm_type", kChakraCommTypes.size() - 1, "collective's kind");
    op.collective = kChakraCommTypes[static_cast<std::size_t>(type)];
    if (op.collective != CollectiveKind::kBarrier)
      op.size = Bytes(attributes.required("comm_size", kMaxBytes, "collective's size"));
    if (const auto root = attributes.at_most("root", UINT32_MAX - 1))
      op.peer = RankId(static_cast<std::size_t>(*root));
    std::string group = attributes.text("pg_name");
    if (group.empty()) group = attributes.text("comm_group");
    call.group = texts_.number_of(group);
    // One stream per group; settle() sees to groups that go by two names.
    if (!call.stream) call.derived_stream = derived_stream(kCollective, call.group, 0);
    const std::vector<std::int64_t> splits = attributes.list("in_split_sizes");
    if (op.collective == CollectiveKind::kAllToAll && !splits.empty())
      uneven_.push_back({rank_, node.id(), split_bytes(op.size, splits)});
  }

  /// The CUDA stream or CPU thread: `stream`, or `tid` as Chakra's PyTorch converter calls it.
  std::optional<std::uint32_t> recorded_stream(const ChakraAttributes& attributes) {
    if (const auto exact = attributes.at_most(kExactStream, UINT32_MAX))
      return static_cast<std::uint32_t>(*exact);
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
  ProcessGroups& groups_;
  const TraceLog& log_;
  ChakraRepairs& repairs_;
  std::vector<UnevenCall>& uneven_;
  OpGraphBuilder builder_;
  SpillVector<Pending> pending_;
  NameTable texts_;
  std::vector<std::uint64_t> needs_, starts_;
  bool has_gpu_collective_ = false;
  std::pmr::monotonic_buffer_resource pool_{spill_resource()};
  /// As many as there are tags, and so perhaps messages.
  std::pmr::map<std::tuple<ChakraNodeType, std::uint32_t, std::uint32_t>, std::uint32_t> derived_{
      &pool_};
};

}  // namespace

OpGraph read_chakra_rank(const std::filesystem::path& file, RankId rank, ProcessGroups& groups,
                         const TraceLog& log, ChakraRepairs& repairs,
                         std::vector<UnevenCall>& uneven) {
  Translator translator(rank, groups, log, repairs, uneven);
  TraceInput input(file);
  log.attempt(TraceProblem::kFile, [&] {
    for_each_chakra_node(input, [&](const chakra::Node& node, const ChakraPlace& where) {
      translator.add(node, where);
    });
  });
  OpGraphBuilder builder = translator.finish();
  const auto tell = [&](std::uint64_t op, std::uint64_t need, std::string_view why) {
    log.fail(TraceProblem::kDependency,
             fmt::format("{}: op {} depends on op {}, {}", file.string(), op, need, why));
  };
  if (log.problems != nullptr)
    repairs.dependencies = builder.repair(file.string(), tell);
  else if (!log.strict)
    repairs.dependencies = builder.repair(file.string());
  return std::move(builder).build(file.string());
}

}  // namespace plait
