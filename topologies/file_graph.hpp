// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file file_graph.hpp
/// What the readers of topology files share: nodes and cables as read, each with its place in the
/// file, and the step from there to a FabricGraph.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/error.hpp"
#include "topologies/fabric_graph.hpp"

namespace plait {

class FileGraph {
 public:
  /// @throws UserError (as all functions here, with the place) on a name that was there before.
  void add_host(const SourceLocation& where, const std::string& name, std::uint32_t gpus);
  /// Without a tier, it becomes the distance to the nearest host.
  void add_switch(const SourceLocation& where, const std::string& name,
                  std::optional<std::uint32_t> tier);
  /// Index of a node for connect(). @throws UserError with the nearest name if it is unknown.
  std::size_t index_of(const SourceLocation& where, const std::string& name) const;
  void connect(const SourceLocation& where, std::size_t a, std::size_t b, const LinkSpec& spec);

  std::size_t node_count() const { return nodes_.size(); }
  const std::string& name(std::size_t index) const { return nodes_[index].name; }

  /// The finalized graph; nodes and cables keep their order.
  FabricGraph build() const;

 private:
  struct Node {
    SourceLocation where;
    std::string name;
    bool is_host;
    std::uint32_t gpus;
    std::optional<std::uint32_t> tier;
  };
  struct Cable {
    SourceLocation where;
    std::size_t a, b;
    LinkSpec spec;
  };
  void add(Node node);
  std::vector<std::uint32_t> distances_to_hosts() const;

  std::vector<Node> nodes_;
  std::vector<Cable> cables_;
  std::map<std::string, std::size_t> index_;
};

/// Whole number in [min, max]. @throws UserError naming `what`, the text and the range.
std::uint32_t parse_count(const SourceLocation& where, std::string_view what, std::string_view text,
                          std::uint32_t min, std::uint32_t max);

/// Rate and delay of one direction, with the place added to what the unit parsers throw.
LinkSpec parse_link(const SourceLocation& where, const std::string& rate, const std::string& delay);

/// What models/packet.hpp can address.
constexpr std::uint32_t kMaxHostGpus = 128;
constexpr std::uint32_t kMaxTier = 64;
constexpr std::uint32_t kMaxLanes = 64;

}  // namespace plait
