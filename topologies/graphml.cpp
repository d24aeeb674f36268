// SPDX-License-Identifier: Apache-2.0
#include "topologies/graphml.hpp"

#include <fmt/format.h>

#include <boost/graph/graphml.hpp>
#include <deque>
#include <map>
#include <utility>

#include "topologies/boost_graph.hpp"
#include "topologies/file_graph.hpp"

namespace plait {

namespace {

using Keys = std::map<std::string, std::string>;  // attr.name -> text

struct ReadEdge {
  std::size_t source, target;
  Keys keys;
};

/// Takes what Boost's parser finds, as text, so that a key may be declared with any type.
class Sink final : public boost::mutate_graph {
 public:
  explicit Sink(bool directed) : directed_(directed) {}

  bool is_directed() const override { return directed_; }
  boost::any do_add_vertex() override {
    nodes.emplace_back();
    return nodes.size() - 1;
  }
  std::pair<boost::any, bool> do_add_edge(boost::any source, boost::any target) override {
    edges.push_back(
        {boost::any_cast<std::size_t>(source), boost::any_cast<std::size_t>(target), {}});
    return {edges.size() - 1, true};
  }
  void set_graph_property(const std::string&, const std::string&, const std::string&) override {}
  void set_vertex_property(const std::string& name, boost::any vertex, const std::string& value,
                           const std::string&) override {
    nodes[boost::any_cast<std::size_t>(vertex)][name] = value;
  }
  void set_edge_property(const std::string& name, boost::any edge, const std::string& value,
                         const std::string&) override {
    edges[boost::any_cast<std::size_t>(edge)].keys[name] = value;
  }

  std::vector<Keys> nodes;
  std::vector<ReadEdge> edges;

 private:
  bool directed_;
};

/// Turns what was read into a FileGraph.
class Assembler {
 public:
  Assembler(const std::string& file, const Sink& sink) : where_{file, 0, 0}, sink_(sink) {}

  FabricGraph assemble(std::uint32_t default_gpus) {
    for (std::size_t i = 0; i < sink_.nodes.size(); ++i) add_node(i, default_gpus);
    if (sink_.is_directed())
      pair_directions();
    else
      for (const ReadEdge& edge : sink_.edges)
        graph_.connect(where_, edge.source, edge.target, spec_of(edge));
    return graph_.build();
  }

 private:
  void add_node(std::size_t index, std::uint32_t default_gpus) {
    const Keys& keys = sink_.nodes[index];
    const std::string* name = find(keys, "name");
    if (name == nullptr)
      throw UserError(where_,
                      fmt::format("node {} (counted from 0) has no key 'name'; a node that only "
                                  "an edge mentions counts last",
                                  index));
    const std::string* kind = find(keys, "kind");
    if (kind == nullptr || (*kind != "host" && *kind != "switch"))
      throw UserError(where_,
                      fmt::format("node {}: the key 'kind' must be host or switch, not '{}'", *name,
                                  kind == nullptr ? "" : *kind));
    if (*kind == "host") {
      const std::string* gpus = find(keys, "gpus");
      const auto what = fmt::format("node {}: gpus", *name);
      graph_.add_host(
          where_, *name,
          gpus == nullptr ? default_gpus : parse_count(where_, what, *gpus, 0, kMaxHostGpus));
    } else {
      const std::string* tier = find(keys, "tier");
      const auto what = fmt::format("node {}: tier", *name);
      graph_.add_switch(where_, *name,
                        tier == nullptr ? std::optional<std::uint32_t>()
                                        : parse_count(where_, what, *tier, 1, kMaxTier));
    }
  }

  /// The i-th edge a -> b and the i-th edge b -> a are one cable, created where the first stands.
  void pair_directions() {
    std::map<std::pair<std::size_t, std::size_t>, std::deque<std::size_t>> waiting;
    std::vector<std::pair<std::size_t, std::size_t>> cables;  // edge, reverse edge
    for (std::size_t i = 0; i < sink_.edges.size(); ++i) {
      const ReadEdge& edge = sink_.edges[i];
      auto& reverse = waiting[{edge.target, edge.source}];
      if (reverse.empty() || edge.source == edge.target) {
        waiting[{edge.source, edge.target}].push_back(cables.size());
        cables.emplace_back(i, kAlone);
      } else {
        cables[reverse.front()].second = i;
        reverse.pop_front();
      }
    }
    for (const auto& [edge, reverse] : cables) connect_pair(edge, reverse);
  }

  void connect_pair(std::size_t edge, std::size_t reverse) {
    const ReadEdge& forth = sink_.edges[edge];
    if (reverse == kAlone)
      throw UserError(where_, fmt::format("{} has no edge in the other direction: a port dangles",
                                          text(forth)));
    const LinkSpec a = spec_of(forth);
    const LinkSpec b = spec_of(sink_.edges[reverse]);
    const auto differ = [&](std::string_view what, const auto& one, const auto& other) {
      throw UserError(where_,
                      fmt::format("{}: {} is {}, and {} in the other direction; the ends of "
                                  "a cable must agree",
                                  text(forth), what, one, other));
    };
    if (a.rate != b.rate) differ("rate", to_string(a.rate), to_string(b.rate));
    if (a.delay != b.delay) differ("delay", to_string(a.delay), to_string(b.delay));
    if (a.lanes != b.lanes) differ("lanes", a.lanes, b.lanes);
    graph_.connect(where_, forth.source, forth.target, a);
  }

  LinkSpec spec_of(const ReadEdge& edge) const {
    const SourceLocation where{fmt::format("{}: {}", where_.file, text(edge)), 0, 0};
    const std::string* rate = find(edge.keys, "rate");
    const std::string* delay = find(edge.keys, "delay");
    if (rate == nullptr || delay == nullptr)
      throw UserError(where, fmt::format("the key '{}' is missing", rate ? "delay" : "rate"));
    LinkSpec spec = parse_link(where, *rate, *delay);
    const std::string* lanes = find(edge.keys, "lanes");
    if (lanes != nullptr) spec.lanes = parse_count(where, "lanes", *lanes, 1, kMaxLanes);
    return spec;
  }

  std::string text(const ReadEdge& edge) const {
    return fmt::format("edge {} - {}", graph_.name(edge.source), graph_.name(edge.target));
  }

  static const std::string* find(const Keys& keys, const std::string& key) {
    const auto place = keys.find(key);
    return place == keys.end() ? nullptr : &place->second;
  }

  static constexpr std::size_t kAlone = SIZE_MAX;
  SourceLocation where_;
  const Sink& sink_;
  FileGraph graph_;
};

/// Boost's parser must know beforehand whether edges are directed, so it is asked twice.
Sink parse(std::istream& in) {
  try {
    Sink sink(false);
    boost::read_graphml(in, sink, 0);
    return sink;
  } catch (const boost::directed_graph_error&) {
    in.clear();
    in.seekg(0);
    Sink sink(true);
    boost::read_graphml(in, sink, 0);
    return sink;
  }
}

}  // namespace

FabricGraph read_graphml(std::istream& in, const std::string& file, std::uint32_t default_gpus) {
  try {
    const Sink sink = parse(in);
    if (sink.nodes.empty()) throw UserError({file, 0, 0}, "the file has no nodes");
    return Assembler(file, sink).assemble(default_gpus);
  } catch (const UserError&) {
    throw;
  } catch (const std::exception& error) {
    throw UserError({file, 0, 0}, fmt::format("not readable as GraphML: {}", error.what()));
  }
}

void write_graphml(std::ostream& out, const FabricGraph& graph) {
  TextGraph text = to_text_graph(graph);
  boost::dynamic_properties keys;
  keys.property("name", boost::get(&VertexText::name, text));
  keys.property("kind", boost::get(&VertexText::kind, text));
  keys.property("tier", boost::get(&VertexText::tier, text));
  keys.property("gpus", boost::get(&VertexText::gpus, text));
  keys.property("rate", boost::get(&EdgeText::rate, text));
  keys.property("delay", boost::get(&EdgeText::delay, text));
  keys.property("lanes", boost::get(&EdgeText::lanes, text));
  boost::write_graphml(out, text, keys, true);
}

}  // namespace plait
