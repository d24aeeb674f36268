// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/writer.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/chakra/chakra.pb.h"
#include "workloads/chakra/names.hpp"
#include "workloads/rank_files.hpp"

namespace plait {

namespace {

namespace fs = std::filesystem;

/// A file that takes { varint32 length, message }, gzip or plain.
class FrameFile {
 public:
  explicit FrameFile(const fs::path& path, bool packed) : name_(path.string()) {
    // Mode "T" writes without compression. No name and no time go into the gzip header, so the same
    // workload gives the same bytes.
    file_.reset(gzopen(name_.c_str(), packed ? "wb6" : "wbT"));
    if (!file_) throw UserError(fmt::format("{}: cannot be written", name_));
  }

  void add(const google::protobuf::MessageLite& message) {
    PLAIT_CHECK(message.SerializeToString(&text_), "protobuf writes");
    std::string frame;
    std::size_t length = text_.size();
    for (; length >= 0x80; length >>= 7) frame += static_cast<char>(0x80 | (length & 0x7F));
    frame += static_cast<char>(length);
    write(frame);
    write(text_);
  }

  void close() {
    if (gzclose(file_.release()) != Z_OK)
      throw UserError(fmt::format("{}: cannot be written", name_));
  }

 private:
  void write(const std::string& bytes) {
    if (bytes.empty()) return;
    if (gzwrite(file_.get(), bytes.data(), static_cast<unsigned>(bytes.size())) <= 0)
      throw UserError(fmt::format("{}: cannot be written", name_));
  }

  std::string name_;
  std::string text_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_{nullptr, gzclose};
};

/// Names of groups that are unique, since a trace knows its groups by name.
std::vector<std::string> unique_names(const std::vector<Group>& groups) {
  std::map<std::string, std::size_t> uses;
  for (const Group& group : groups) ++uses[group.name];
  std::vector<std::string> names;
  for (std::size_t g = 0; g < groups.size(); ++g)
    names.push_back(uses[groups[g].name] == 1 && !groups[g].name.empty()
                        ? groups[g].name
                        : fmt::format("{}#{}", groups[g].name, g));
  return names;
}

class RankWriter {
 public:
  RankWriter(const Workload& workload, const std::vector<std::string>& groups, RankId rank)
      : workload_(workload), groups_(groups), rank_(rank), graph_(*workload.graphs[rank.index()]) {}

  void write(FrameFile& file) {
    chakra::GlobalMetadata metadata;
    metadata.set_version("0.0.4");
    file.add(metadata);
    file.add(group_node());
    for (std::size_t i = 0; i < graph_.size(); ++i) file.add(node(OpId(i)));
  }

 private:
  static void set(chakra::Node& node, std::string_view name, std::int64_t value) {
    chakra::Attribute* attribute = node.add_attr();
    attribute->set_name(std::string(name));
    attribute->set_int64_val(value);
  }

  /// Rank 0 lists all groups, so that a reader meets them in our order; the others list their own.
  chakra::Node group_node() const {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (std::size_t g = 1; g < workload_.groups.size(); ++g) {
      const Group& group = workload_.groups[g];
      bool mine = rank_ == RankId(0);
      nlohmann::ordered_json ranks = nlohmann::ordered_json::array();
      for (const RankId member : group.ranks) {
        ranks.push_back(member.value());
        mine |= member == rank_;
      }
      if (mine)
        list.push_back({{"pg_name", groups_[g]},
                        {"plait_name", group.name},
                        {"ranks", ranks},
                        {"group_size", group.ranks.size()}});
    }
    chakra::Node node;
    node.set_id(free_id());
    node.set_name("## process_group:init ##");
    node.set_type(kMetadata);
    node.mutable_inputs()->set_values(list.dump());
    set(node, kOnlyGroups, 1);
    return node;
  }

  std::uint64_t free_id() const {
    std::uint64_t id = 0;
    for (std::size_t i = 0; i < graph_.size(); ++i)
      id = std::max(id, graph_.source_id(OpId(i)) + 1);
    return id;
  }

  chakra::Node node(OpId id) const {
    const Op op = workload_.resolved(rank_, id);
    chakra::Node node;
    node.set_id(graph_.source_id(id));
    node.set_name(std::string(graph_.name(id)));
    for (const OpId need : graph_.dependencies(id)) node.add_data_deps(graph_.source_id(need));
    chakra::Attribute* on_cpu = node.add_attr();
    on_cpu->set_name("is_cpu_op");
    on_cpu->set_bool_val(op.device == Device::kCpu);
    set(node, kExactStream, op.stream);
    if (!op.in_order) set(node, kAnyOrder, 1);
    if (op.nic != 0) set(node, kNic, op.nic);
    if (!graph_.start_dependencies(id).empty()) {
      chakra::Attribute* starts = node.add_attr();
      starts->set_name(std::string(kStartsAfter));
      for (const OpId need : graph_.start_dependencies(id))
        starts->mutable_int64_list()->add_values(static_cast<std::int64_t>(graph_.source_id(need)));
    }
    if (op.is_wildcard())
      throw UserError(fmt::format("rank {}, recv op {}: Chakra has no recv from any rank or tag",
                                  rank_.value(), graph_.source_id(id)));
    switch (op.kind) {
      case OpKind::kCompute:
        compute(node, op);
        break;
      case OpKind::kSend:
      case OpKind::kRecv:
        node.set_type(op.kind == OpKind::kSend ? kSend : kRecv);
        set(node, op.kind == OpKind::kSend ? "comm_dst" : "comm_src", op.peer.value());
        set(node, "comm_size", op.size.count());
        set(node, "comm_tag", op.tag);
        break;
      case OpKind::kCollective:
        collective(node, op);
        break;
    }
    return node;
  }

  static void compute(chakra::Node& node, const Op& op) {
    constexpr std::int64_t kPicosPerMicro = 1'000'000;
    const std::int64_t picos = op.duration.ps();
    node.set_type(kCompute);
    node.set_duration_micros(
        static_cast<std::uint64_t>((picos + kPicosPerMicro / 2) / kPicosPerMicro));
    // Beyond 2^53 ps (2.5 hours) whole microseconds must do: readers take numbers as doubles.
    if (picos % kPicosPerMicro != 0 && picos <= std::int64_t{1} << 53)
      set(node, kExactDuration, picos);
    amount(node, "num_ops", op.flops);
    amount(node, "tensor_size", op.memory_bytes);
  }

  static void amount(chakra::Node& node, std::string_view name, double value) {
    constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
    if (value == 0) return;
    chakra::Attribute* attribute = node.add_attr();
    attribute->set_name(std::string(name));
    if (std::trunc(value) == value && value <= kExactIntegers)
      attribute->set_int64_val(static_cast<std::int64_t>(value));
    else
      attribute->set_double_val(value);
  }

  void collective(chakra::Node& node, const Op& op) const {
    node.set_type(kCollective);
    const auto found = std::find(kChakraCommTypes.begin(), kChakraCommTypes.end(), op.collective);
    set(node, "comm_type", found - kChakraCommTypes.begin());
    Bytes size = op.size;
    if (op.matrix != Op::kNoMatrix) {
      const ByteMatrix& matrix = *workload_.matrices[op.matrix];
      const std::vector<RankId>& ranks = workload_.groups[op.group.index()].ranks;
      const auto me =
          static_cast<std::uint32_t>(std::find(ranks.begin(), ranks.end(), rank_) - ranks.begin());
      chakra::Attribute* row = node.add_attr();
      row->set_name("in_split_sizes");
      for (std::uint32_t to = 0; to < matrix.positions(); ++to)
        row->mutable_int64_list()->add_values(matrix.at(me, to).count());
      size = matrix.sent_by(me);
    }
    if (op.collective != CollectiveKind::kBarrier) set(node, "comm_size", size.count());
    if (op.peer.valid()) set(node, "root", op.peer.value());
    if (op.group == GroupId(0)) return;
    chakra::Attribute* group = node.add_attr();
    group->set_name("pg_name");
    group->set_string_val(groups_[op.group.index()]);
  }

  const Workload& workload_;
  const std::vector<std::string>& groups_;
  RankId rank_;
  const OpGraph& graph_;
};

}  // namespace

void write_chakra_workload(const Workload& workload, const std::string& pattern) {
  const RankFiles files(pattern);
  const bool packed = fs::path(pattern).extension() == ".gz";
  const std::vector<std::string> groups = unique_names(workload.groups);
  std::vector<fs::path> written;
  const auto partial = [](fs::path path) { return path += ".partial"; };
  try {
    for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) {
      written.push_back(files.file(static_cast<std::uint32_t>(rank)));
      FrameFile file(partial(written.back()), packed);
      RankWriter(workload, groups, RankId(rank)).write(file);
      file.close();
    }
    for (const fs::path& path : written) fs::rename(partial(path), path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    for (const fs::path& path : written) fs::remove(partial(path), ignored);
    throw UserError(error.what());
  }
}

}  // namespace plait
