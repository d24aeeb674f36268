// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/error.hpp"
#include "sim/text_lines.hpp"
#include "study/build.hpp"

namespace plait {

namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator)
      parts.emplace_back();
    else if (c != '\r')
      parts.back() += c;
  }
  return parts;
}

std::size_t column(const std::vector<std::string>& header, const std::string& name,
                   const SourceLocation& where) {
  const auto it = std::find(header.begin(), header.end(), name);
  if (it == header.end())
    throw UserError(where, fmt::format("the first line has no column '{}'{}", name,
                                       did_you_mean(name, header)));
  return static_cast<std::size_t>(it - header.begin());
}

// The endpoint of `host` whose cable leads to `next`.
EndpointId endpoint_towards(const FabricGraph& graph, NodeId host, NodeId next,
                            const SourceLocation& where) {
  const FabricNode& node = graph.node(host);
  if (node.kind != NodeKind::kHost)
    throw UserError(where,
                    fmt::format("a path starts and ends at a host, but {} is a switch", node.name));
  for (std::uint32_t number = 0; number < node.ports; ++number) {
    const PortId port = graph.port(host, number);
    if (graph.port_node(graph.peer(port)) == next) return graph.endpoint(port);
  }
  throw UserError(where,
                  fmt::format("there is no cable from {} to {}", node.name, graph.node(next).name));
}

PinnedPath parse_path(const std::string& text, bool control, const FabricGraph& graph,
                      const SourceLocation& where) {
  PinnedPath path;
  path.control = control;
  for (const std::string& part : split(text, '-')) {
    std::size_t node = 0;
    const char* end = part.data() + part.size();
    const auto [rest, status] = std::from_chars(part.data(), end, node);
    if (status != std::errc() || rest != end || node >= graph.node_count())
      throw UserError(where, fmt::format("'{}' in path '{}' is not a node number from 0 to {}",
                                         part, text, graph.node_count() - 1));
    path.nodes.emplace_back(node);
  }
  if (path.nodes.size() < 3)
    throw UserError(where, fmt::format("path '{}' must be host-switch-...-host", text));
  path.from = endpoint_towards(graph, path.nodes.front(), path.nodes[1], where);
  path.to = endpoint_towards(graph, path.nodes.back(), path.nodes[path.nodes.size() - 2], where);
  return path;
}

}  // namespace

std::vector<PinnedPath> read_pinned_paths(const std::string& file, const FabricGraph& graph) {
  TextLines lines(file);
  if (!lines.next()) throw UserError({file}, "the file is empty");
  const std::vector<std::string> header = split(lines.text(), ',');
  const std::size_t data = column(header, "data_path", lines.where());
  const std::size_t ack = column(header, "ack_path", lines.where());
  std::vector<PinnedPath> paths;
  while (lines.next()) {
    if (lines.text().empty()) continue;
    const SourceLocation& where = lines.where();
    const std::vector<std::string> cells = split(lines.text(), ',');
    if (cells.size() != header.size())
      throw UserError(
          where, fmt::format("has {} columns, the first line has {}", cells.size(), header.size()));
    paths.push_back(parse_path(cells[data], false, graph, where));
    paths.push_back(parse_path(cells[ack], true, graph, where));
  }
  return paths;
}

}  // namespace plait
