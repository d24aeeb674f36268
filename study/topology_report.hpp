// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file topology_report.hpp
/// A fabric described as text: `plait topo`.

#include <string>
#include <vector>

#include "study/build.hpp"

namespace plait {

/// The fabric of a scenario (.yaml, .yml; `settings` apply), or of a topology file: GraphML
/// (.graphml, .xml), ns-3 (.ns3), else an edge list. @throws UserError
Fabric load_fabric(const std::string& file, const std::vector<std::string>& settings = {});

/// Nodes by tier, cables by rate and delay.
std::string topology_summary(const Fabric& fabric);

/// Bisection, diameter, path diversity, single points of failure.
std::string topology_metrics(const Fabric& fabric);

}  // namespace plait
