// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file ns3_case.hpp
/// One case of the ns-3 RDMA simulators: its files, and the same flows here.

#include <optional>
#include <string>
#include <vector>

#include "validation/flow_comparison.hpp"
#include "validation/flow_table.hpp"
#include "validation/ns3_config.hpp"
#include "validation/pause_log.hpp"

namespace plait::validation {

struct Ns3Files {
  std::string topology, flows, config;
  std::string pauses = {};  ///< Log of pause frames; may be empty.
};

class Ns3Case {
 public:
  /// @throws UserError naming file and line.
  explicit Ns3Case(const Ns3Files& files);

  const FabricGraph& graph() const { return graph_; }
  const Ns3Config& config() const { return config_; }
  const FlowTable& reference() const { return reference_; }
  NetworkParams network(std::uint64_t seed = 1) const;
  FlowRun run(std::uint64_t seed = 1, unsigned threads = 1) const;
  /// None if the case came without a log.
  std::optional<PauseComparison> compare_pauses(const FlowRun& ours) const;
  /// Where the order of service is open; the first packets only.
  std::vector<Tie> ties() const;

 private:
  std::vector<std::vector<NodeId>> data_paths() const;

  Ns3Config config_;
  FabricGraph graph_;
  FlowTable reference_;
  std::optional<std::vector<PauseEvent>> pauses_;
  std::vector<PinnedPath> pinned_;  // data and acknowledgements, in turn, by flow; or none
};

}  // namespace plait::validation
