// SPDX-License-Identifier: Apache-2.0
// Host files as MPI launchers read them (`host slots=N`), with GPU numbers as an addition.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "sim/error.hpp"
#include "sim/text_lines.hpp"
#include "study/placement.hpp"

namespace plait {

namespace {

std::uint32_t parse_count(const std::string& text, std::string_view what) {
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos)
    throw UserError(fmt::format("'{}' is not {}", text, what));
  return static_cast<std::uint32_t>(std::stoul(text));
}

class Reader {
 public:
  explicit Reader(const FabricGraph& graph) : graph_(graph), used_(graph.gpu_count()) {}

  void line(const std::string& text) {
    std::istringstream words(text.substr(0, text.find('#')));
    std::string name, option, rest;
    if (!(words >> name)) return;
    const NodeId host = host_called(graph_, name);
    if (!(words >> option)) return slots(host, free_gpus(host));
    if (words >> rest) throw UserError(fmt::format("'{}' is one word too many", rest));
    if (option.starts_with("slots="))
      return slots(host, parse_count(option.substr(6), "a number of slots"));
    if (option.starts_with("gpus=")) return numbers(host, option.substr(5));
    throw UserError(fmt::format("unknown option '{}'; legal: slots=N, gpus=0,1,...", option));
  }
  std::vector<GpuId> take() { return std::move(gpus_); }

 private:
  GpuId gpu(NodeId host, std::uint32_t number) const {
    return GpuId(std::size_t{graph_.first_gpu(host).value()} + number);
  }
  std::uint32_t free_gpus(NodeId host) const {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < graph_.node(host).gpus; ++i)
      count += !used_[gpu(host, i).index()];
    return count;
  }
  void add(GpuId gpu) {
    used_[gpu.index()] = true;
    gpus_.push_back(gpu);
  }
  void slots(NodeId host, std::uint32_t count) {
    const FabricNode& node = graph_.node(host);
    if (count == 0) throw UserError(fmt::format("host '{}' gets no slots", node.name));
    if (count > free_gpus(host))
      throw UserError(fmt::format("host '{}' has {} GPUs that the file has not named yet, not {}",
                                  node.name, free_gpus(host), count));
    for (std::uint32_t i = 0; count > 0; ++i) {
      if (used_[gpu(host, i).index()]) continue;
      add(gpu(host, i));
      --count;
    }
  }
  void numbers(NodeId host, const std::string& list) {
    const FabricNode& node = graph_.node(host);
    std::istringstream items(list + ",");
    std::string item;
    while (std::getline(items, item, ',')) {
      const std::uint32_t number = parse_count(item, "the number of a GPU");
      if (number >= node.gpus)
        throw UserError(
            fmt::format("host '{}' has no GPU {}; it has {}", node.name, number,
                        node.gpus == 0 ? "none" : fmt::format("0 to {}", node.gpus - 1)));
      if (used_[gpu(host, number).index()])
        throw UserError(fmt::format("GPU {} of host '{}' is named twice", number, node.name));
      add(gpu(host, number));
    }
  }

  const FabricGraph& graph_;
  std::vector<bool> used_;
  std::vector<GpuId> gpus_;
};

}  // namespace

NodeId host_called(const FabricGraph& graph, const std::string& name) {
  const NodeId node = graph.find(name);
  if (node.valid() && graph.node(node).kind == NodeKind::kHost) return node;
  std::vector<std::string> names;
  for (const NodeId host : graph.hosts()) names.push_back(graph.node(host).name);
  const std::string hint = did_you_mean(name, names);
  throw UserError(fmt::format("there is no host '{}'{}", name,
                              hint.empty() ? fmt::format("; the fabric has {} hosts, {} to {}",
                                                         names.size(), names.front(), names.back())
                                           : hint));
}

std::vector<GpuId> read_hostfile(const std::string& file, const FabricGraph& graph) {
  TextLines lines(file);
  Reader reader(graph);
  while (lines.next()) {
    try {
      reader.line(lines.text());
    } catch (const UserError& error) {
      throw UserError(lines.where(), error.what());
    }
  }
  std::vector<GpuId> gpus = reader.take();
  if (gpus.empty()) throw UserError(fmt::format("{}: names no host", file));
  return gpus;
}

}  // namespace plait
