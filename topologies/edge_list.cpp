// SPDX-License-Identifier: Apache-2.0
#include "topologies/edge_list.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <optional>

#include "topologies/file_graph.hpp"

namespace plait {

namespace {

struct Line {
  SourceLocation where;
  std::vector<std::string> words;  // never empty
};

/// Words of the lines that have any; # starts a comment.
std::vector<Line> split_lines(std::istream& in, const std::string& file) {
  std::vector<Line> lines;
  std::string text;
  for (int number = 1; std::getline(in, text); ++number) {
    Line line{{file, number, 0}, {}};
    text.resize(std::min(text.size(), text.find('#')));
    constexpr const char* kBlank = " \t\r\v\f";
    std::size_t begin = text.find_first_not_of(kBlank);
    while (begin != std::string::npos) {
      const std::size_t end = std::min(text.size(), text.find_first_of(kBlank, begin));
      line.words.push_back(text.substr(begin, end - begin));
      begin = text.find_first_not_of(kBlank, end);
    }
    if (!line.words.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

/// Value of the only option that may follow `fixed` words: "gpus=8".
std::optional<std::uint32_t> option(const Line& line, std::size_t fixed, const std::string& key,
                                    std::uint32_t min, std::uint32_t max) {
  if (line.words.size() == fixed) return std::nullopt;
  const std::string& word = line.words[fixed];
  if (line.words.size() > fixed + 1 || !word.starts_with(key + "="))
    throw UserError(line.where, fmt::format("'{}' is not expected here; only {}=NUMBER may follow",
                                            line.words.back(), key));
  return parse_count(line.where, key, std::string_view(word).substr(key.size() + 1), min, max);
}

void need_words(const Line& line, std::size_t count, std::string_view usage) {
  if (line.words.size() < count)
    throw UserError(line.where, fmt::format("too few words; write: {}", usage));
}

void read_line(const Line& line, std::uint32_t default_gpus, FileGraph& graph) {
  const std::string& keyword = line.words[0];
  if (keyword == "host") {
    need_words(line, 2, "host NAME [gpus=N]");
    const auto gpus = option(line, 2, "gpus", 0, kMaxHostGpus);
    graph.add_host(line.where, line.words[1], gpus.value_or(default_gpus));
  } else if (keyword == "switch") {
    need_words(line, 2, "switch NAME [tier=N]");
    graph.add_switch(line.where, line.words[1], option(line, 2, "tier", 1, kMaxTier));
  } else if (keyword == "link") {
    need_words(line, 5, "link A B RATE DELAY [lanes=N]");
    const std::size_t a = graph.index_of(line.where, line.words[1]);
    const std::size_t b = graph.index_of(line.where, line.words[2]);
    LinkSpec spec = parse_link(line.where, line.words[3], line.words[4]);
    spec.lanes = option(line, 5, "lanes", 1, kMaxLanes).value_or(1);
    graph.connect(line.where, a, b, spec);
  } else {
    throw UserError(line.where,
                    fmt::format("'{}' is not a keyword; a line starts with host, switch or link{}",
                                keyword, did_you_mean(keyword, {"host", "switch", "link"})));
  }
}

/// `nodes switches links`, then the ids of the switches, then one line per link.
class Ns3Reader {
 public:
  Ns3Reader(std::vector<Line> lines, std::uint32_t gpus) : lines_(std::move(lines)), gpus_(gpus) {}

  FabricGraph read() {
    const Line& header = lines_[0];
    if (header.words.size() != 3)
      throw UserError(header.where, "the first line must be: NODES SWITCHES LINKS");
    const std::size_t links = count(header, "LINKS", header.words[2], 0);
    read_nodes(header);
    if (lines_.size() - next_ != links)
      throw UserError(header.where, fmt::format("{} links are announced but {} lines follow the "
                                                "switches",
                                                links, lines_.size() - next_));
    for (; next_ < lines_.size(); ++next_) read_link(lines_[next_]);
    return graph_.build();
  }

 private:
  static std::uint32_t count(const Line& line, std::string_view what, const std::string& text,
                             std::uint32_t min, std::uint32_t max = 1U << 24) {
    return parse_count(line.where, what, text, min, max);
  }

  void read_nodes(const Line& header) {
    const std::uint32_t nodes = count(header, "NODES", header.words[0], 1);
    const std::uint32_t switches = count(header, "SWITCHES", header.words[1], 0, nodes);
    // Every node needs a link, so a header that announces more is wrong; told before it costs
    // memory.
    if (nodes > 2 * lines_.size())
      throw UserError(header.where, fmt::format("{} nodes are announced but the file has {} lines",
                                                nodes, lines_.size()));
    std::vector<bool> is_switch(nodes);
    for (std::uint32_t read = 0; read < switches; ++next_) {
      if (next_ == lines_.size())
        throw UserError(header.where,
                        fmt::format("{} switches are announced, {} are listed", switches, read));
      const Line& line = lines_[next_];
      for (const std::string& word : line.words) {
        const std::uint32_t id = count(line, "switch id", word, 0, nodes - 1);
        if (is_switch[id])
          throw UserError(line.where, fmt::format("switch {} is listed twice", id));
        is_switch[id] = true;
        if (++read > switches)
          throw UserError(line.where, fmt::format("more than {} switches are listed", switches));
      }
    }
    for (std::uint32_t id = 0; id < nodes; ++id) {
      if (is_switch[id])
        graph_.add_switch(header.where, fmt::format("switch{}", id), std::nullopt);
      else
        graph_.add_host(header.where, fmt::format("host{}", id), gpus_);
    }
  }

  void read_link(const Line& line) {
    if (line.words.size() != 5)
      throw UserError(line.where, "a link must be: SOURCE TARGET RATE DELAY ERROR_RATE");
    const auto last = static_cast<std::uint32_t>(graph_.node_count() - 1);
    const std::uint32_t a = count(line, "SOURCE", line.words[0], 0, last);
    const std::uint32_t b = count(line, "TARGET", line.words[1], 0, last);
    if (line.words[4].find_first_not_of("0.") != std::string::npos)
      throw UserError(line.where, fmt::format("error rate is '{}': only 0 is supported here; drops "
                                              "are a fault of the scenario",
                                              line.words[4]));
    graph_.connect(line.where, a, b, parse_link(line.where, line.words[2], line.words[3]));
  }

  std::vector<Line> lines_;
  std::uint32_t gpus_;
  std::size_t next_ = 1;  // line to read
  FileGraph graph_;
};

}  // namespace

FabricGraph read_edge_list(std::istream& in, const std::string& file, std::uint32_t default_gpus) {
  FileGraph graph;
  for (const Line& line : split_lines(in, file)) read_line(line, default_gpus, graph);
  if (graph.node_count() == 0)
    throw UserError({file, 0, 0}, "the file is empty; a line is: host, switch or link ...");
  return graph.build();
}

void write_edge_list(std::ostream& out, const FabricGraph& graph) {
  for (std::size_t i = 0; i < graph.node_count(); ++i) {
    const FabricNode& node = graph.node(NodeId(i));
    if (node.kind == NodeKind::kHost)
      fmt::print(out, "host {} gpus={}\n", node.name, node.gpus);
    else
      fmt::print(out, "switch {} tier={}\n", node.name, node.tier);
  }
  for (const PortId port : graph.cables()) {
    const FabricLink& link = graph.egress(port);
    fmt::print(out, "link {} {} {} {}", graph.node(graph.port_node(port)).name,
               graph.node(graph.port_node(link.to)).name, to_string(link.rate),
               to_string(link.delay));
    out << (link.lanes == 1 ? "\n" : fmt::format(" lanes={}\n", link.lanes));
  }
}

FabricGraph read_ns3_topology(std::istream& in, const std::string& file, std::uint32_t gpus) {
  std::vector<Line> lines = split_lines(in, file);
  if (lines.empty())
    throw UserError({file, 0, 0}, "the file is empty; the first line is: NODES SWITCHES LINKS");
  return Ns3Reader(std::move(lines), gpus).read();
}

}  // namespace plait
