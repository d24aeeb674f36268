// SPDX-License-Identifier: Apache-2.0
#include "workloads/goal/binary.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/goal/edges.hpp"
#include "workloads/goal/text.hpp"

namespace plait {

namespace {

static_assert(std::endian::native == std::endian::little, "the file's order is the machine's");

constexpr std::uint64_t kMagic = 4223;
constexpr std::uint64_t kBase = sizeof(kMagic);  // places in the file count from here
constexpr std::uint64_t kRankTable = 6;          // behind num_ranks, max_cpu, max_nic
constexpr std::uint64_t kNodeBytes = 39;
constexpr std::uint32_t kWildcard = UINT32_MAX;
enum : std::int8_t { kSend = 1, kRecv = 2, kCalc = 3 };

std::string_view text_of(const SpillVector<char>& bytes) { return {bytes.data(), bytes.size()}; }

/// Takes values from a block of bytes that has been checked to be long enough.
class Bits {
 public:
  Bits(std::string_view data, std::uint64_t at) : data_(data), at_(at) {}

  template <class T>
  T take() {
    PLAIT_CHECK_LE(at_ + sizeof(T), data_.size());
    T value;
    std::memcpy(&value, data_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

 private:
  std::string_view data_;
  std::uint64_t at_;
};

struct Span {
  std::uint64_t begin = 0, end = 0;  // from kBase
};

/// One rank's block: node and root counts, roots, nodes, then the appendix of node numbers.
class RankBlock {
 public:
  RankBlock(const std::string& file, SpillVector<char> data, std::uint32_t rank,
            std::uint32_t ranks)
      : file_(file), data_(std::move(data)), rank_(rank), ranks_(ranks) {
    if (data_.size() < 8) fail("its block is too short for the two counts");
    Bits head(text_of(data_), 0);
    nodes_ = head.take<std::uint32_t>();
    const auto roots = head.take<std::uint32_t>();
    first_node_ = 8 + 4 * std::uint64_t{roots};
    const std::uint64_t appendix = first_node_ + kNodeBytes * nodes_;
    if (appendix > data_.size())
      fail(fmt::format("{} nodes and {} roots take {} bytes, its block has {}", nodes_, roots,
                       appendix, data_.size()));
    first_appendix_ = appendix;
    appendix_size_ = (data_.size() - appendix) / 4;
  }

  std::shared_ptr<const OpGraph> read() {
    for (std::uint32_t i = 0; i < nodes_; ++i) read_node(i);
    depends_on_.sort();
    starts_after_.sort();
    OpGraphBuilder builder;
    constexpr std::string_view kNames[] = {"calc", "send", "recv"};
    for (std::uint32_t i = 0; i < nodes_; ++i) {
      const std::span<const std::uint64_t> ends = depends_on_.take(i);
      const std::span<const std::uint64_t> starts = starts_after_.take(i);
      if (declared_[i] != ends.size() + starts.size())
        fail(i, fmt::format("waits for {} nodes, but {} name it", declared_[i],
                            ends.size() + starts.size()));
      builder.add(ops_[i], kNames[static_cast<std::size_t>(ops_[i].kind)], i, ends, starts);
    }
    return std::make_shared<const OpGraph>(
        std::move(builder).build(fmt::format("{}: rank {}", file_, rank_)));
  }

 private:
  void read_node(std::uint32_t i) {
    Bits bits(text_of(data_), first_node_ + kNodeBytes * i);
    declared_.push_back(bits.take<std::uint32_t>());
    const auto type = bits.take<std::int8_t>();
    const auto peer = bits.take<std::uint32_t>();
    const auto size = bits.take<std::uint64_t>();
    Op op;
    op.device = Device::kCpu;
    op.in_order = false;
    op.tag = bits.take<std::uint32_t>();
    op.stream = bits.take<std::uint8_t>();
    op.nic = bits.take<std::uint8_t>();
    const auto ends = bits.take<std::uint32_t>();
    link(i, ends, bits.take<std::uint32_t>(), depends_on_);
    const auto starts = bits.take<std::uint32_t>();
    link(i, starts, bits.take<std::uint32_t>(), starts_after_);
    if (type == kCalc)
      set_calc(i, op, size);
    else if (type == kSend || type == kRecv)
      set_message(i, op, type == kSend, peer, size);
    else
      fail(i, fmt::format("type {}; legal: 1 send, 2 recv, 3 calc", type));
    ops_.push_back(op);
  }

  void set_calc(std::uint32_t i, Op& op, std::uint64_t size) const {
    if (size > kMaxGoalNanoseconds)
      fail(i, fmt::format("a calc of {} ns; at most {}", size, kMaxGoalNanoseconds));
    op.duration = Duration::ns(static_cast<std::int64_t>(size));
    op.tag = 0;
    op.nic = 0;
  }

  void set_message(std::uint32_t i, Op& op, bool sends, std::uint32_t peer,
                   std::uint64_t size) const {
    op.kind = sends ? OpKind::kSend : OpKind::kRecv;
    if (size > kMaxGoalBytes) fail(i, fmt::format("{} bytes; at most {}", size, kMaxGoalBytes));
    op.size = Bytes(static_cast<std::int64_t>(size));
    if (sends && (peer == kWildcard || op.tag == kWildcard))
      fail(i, "a send with a wildcard; only a recv may have one");
    if (peer == kWildcard) return;
    if (peer >= ranks_)
      fail(i, fmt::format("peer {} does not exist, there are ranks 0 to {}", peer, ranks_ - 1));
    if (peer == rank_) fail(i, "talks to itself");
    op.peer = RankId(peer);
  }

  void link(std::uint32_t i, std::uint32_t count, std::uint32_t first, GoalEdges& edges) const {
    if (count == 0) return;  // `first` is then undefined
    if (first > appendix_size_ || count > appendix_size_ - first)
      fail(i, fmt::format("dependents {} to {} of an appendix of {}", first,
                          std::uint64_t{first} + count - 1, appendix_size_));
    Bits bits(text_of(data_), first_appendix_ + 4 * std::uint64_t{first});
    for (std::uint32_t k = 0; k < count; ++k) {
      const auto other = bits.take<std::uint32_t>();
      if (other >= nodes_)
        fail(i, fmt::format("dependent {} does not exist, there are {} nodes", other, nodes_));
      edges.add(other, i);
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(fmt::format("{}: rank {}: {}", file_, rank_, what));
  }
  [[noreturn]] void fail(std::uint32_t node, const std::string& what) const {
    throw UserError(fmt::format("{}: rank {}, node {}: {}", file_, rank_, node, what));
  }

  const std::string& file_;
  SpillVector<char> data_;
  std::uint32_t rank_, ranks_, nodes_ = 0;
  std::uint64_t first_node_ = 0, first_appendix_ = 0, appendix_size_ = 0;
  SpillVector<Op> ops_;
  SpillVector<std::uint32_t> declared_;
  GoalEdges depends_on_, starts_after_;
};

class BinaryFile {
 public:
  explicit BinaryFile(const std::string& name) : name_(name), in_(name, std::ios::binary) {
    std::error_code error;
    size_ = std::filesystem::file_size(name, error);
    if (error || !in_) throw UserError(fmt::format("{}: cannot be opened", name));
  }

  SpillVector<char> read(std::uint64_t at, std::uint64_t count, std::string_view what) {
    if (at > size_ || count > size_ - at)
      throw UserError(fmt::format("{}: byte {}: {} of {} bytes, but the file has {} (truncated?)",
                                  name_, at, what, count, size_));
    SpillVector<char> data(count);
    in_.seekg(static_cast<std::streamoff>(at));
    in_.read(data.data(), static_cast<std::streamsize>(count));
    if (!in_) throw UserError(fmt::format("{}: byte {}: cannot be read", name_, at));
    return data;
  }

 private:
  std::string name_;
  std::ifstream in_;
  std::uint64_t size_ = 0;
};

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put_node(std::string& out, const Op& op, std::size_t needs, std::size_t ends,
              std::size_t starts, std::uint32_t& next) {
  const bool message = op.kind != OpKind::kCompute;
  PLAIT_CHECK(op.kind != OpKind::kCollective, "GOAL has no collectives");
  put(out, static_cast<std::uint32_t>(needs));
  put(out, op.kind == OpKind::kSend ? kSend : op.kind == OpKind::kRecv ? kRecv : kCalc);
  put(out, message && op.peer.valid() ? op.peer.value() : message ? kWildcard : 0U);
  put(out, static_cast<std::uint64_t>(message ? op.size.count() : op.duration.ps() / 1000));
  put(out, op.tag);
  put(out, static_cast<std::uint8_t>(op.stream));
  put(out, op.nic);
  for (const std::size_t count : {ends, starts}) {
    put(out, static_cast<std::uint32_t>(count));
    put(out, next);
    next += static_cast<std::uint32_t>(count);
  }
}

std::string rank_block(const OpGraph& graph) {
  std::vector<std::vector<std::uint32_t>> ends(graph.size()), starts(graph.size());
  std::string roots;
  std::uint32_t root_count = 0;
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    for (const OpId need : graph.dependencies(OpId(i))) ends[need.index()].push_back(i);
    for (const OpId need : graph.start_dependencies(OpId(i))) starts[need.index()].push_back(i);
    if (!graph.dependencies(OpId(i)).empty() || !graph.start_dependencies(OpId(i)).empty())
      continue;
    put(roots, i);
    ++root_count;
  }
  std::string out, appendix;
  put(out, static_cast<std::uint32_t>(graph.size()));
  put(out, root_count);
  out += roots;
  std::uint32_t next = 0;
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    const OpId id(i);
    put_node(out, graph.op(id), graph.dependencies(id).size() + graph.start_dependencies(id).size(),
             ends[i].size(), starts[i].size(), next);
    for (const auto* edges : {&ends[i], &starts[i]})
      for (const std::uint32_t other : *edges) put(appendix, other);
  }
  return out + appendix;
}

}  // namespace

bool is_goal_binary(std::string_view head) {
  return head.size() >= sizeof(kMagic) && std::memcmp(head.data(), &kMagic, sizeof(kMagic)) == 0;
}

std::vector<std::shared_ptr<const OpGraph>> read_goal_binary(const std::string& name) {
  BinaryFile file(name);
  const SpillVector<char> header = file.read(0, kBase + kRankTable, "a header");
  const std::string_view head = text_of(header);
  if (!is_goal_binary(head))
    throw UserError(fmt::format("{}: does not begin with GOAL's number {}", name, kMagic));
  const auto ranks = Bits(head, kBase).take<std::uint32_t>();
  if (ranks == 0 || ranks > kMaxGoalRanks)
    throw UserError(
        fmt::format("{}: byte {}: {} ranks; legal: 1 to {}", name, kBase, ranks, kMaxGoalRanks));
  const SpillVector<char> table =
      file.read(kBase + kRankTable, 16 * std::uint64_t{ranks}, "a table of ranks");
  std::vector<std::shared_ptr<const OpGraph>> graphs;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    Bits bits(text_of(table), 16 * std::uint64_t{rank});
    const Span span{bits.take<std::uint64_t>(), bits.take<std::uint64_t>()};
    if (span.begin > span.end || span.begin > UINT64_MAX - kBase)
      throw UserError(fmt::format("{}: rank {}: its block begins at {} and ends at {}", name, rank,
                                  span.begin, span.end));
    RankBlock block(name,
                    file.read(kBase + span.begin, span.end - span.begin,
                              fmt::format("the block of rank {}", rank)),
                    rank, ranks);
    graphs.push_back(block.read());
  }
  return graphs;
}

std::string goal_binary(const std::vector<std::shared_ptr<const OpGraph>>& graphs) {
  std::string table, blocks;
  std::uint8_t max_cpu = 0, max_nic = 0;
  const std::uint64_t first = kRankTable + 16 * graphs.size();
  for (const auto& graph : graphs) {
    for (const Op& op : graph->ops()) {
      max_cpu = std::max(max_cpu, static_cast<std::uint8_t>(op.stream));
      max_nic = std::max(max_nic, op.nic);
    }
    put(table, std::uint64_t{first + blocks.size()});
    blocks += rank_block(*graph);
    put(table, std::uint64_t{first + blocks.size()});
  }
  std::string out;
  put(out, kMagic);
  put(out, static_cast<std::uint32_t>(graphs.size()));
  put(out, static_cast<std::uint8_t>(max_cpu + 1));
  put(out, static_cast<std::uint8_t>(max_nic + 1));
  return out + table + blocks;
}

}  // namespace plait
