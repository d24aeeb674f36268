// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file topology_file.hpp
/// A fabric read from a file instead of generated. Formats: docs/topology-files.md.

#include <cstdint>
#include <string>
#include <string_view>

#include "topologies/generator.hpp"

namespace plait {

enum class TopologyFormat : std::uint8_t { kEdgeList, kGraphml, kNs3 };

struct TopologyFileParams {
  static constexpr std::string_view kKind = "file";
  static constexpr std::string_view kHelp =
      "a fabric from a file; its links have the rates and delays that the file states";

  std::string path;
  TopologyFormat format = TopologyFormat::kEdgeList;
};

void describe(ParamVisitor& v, TopologyFileParams& p);
/// parts.host.gpus stands where the file does not say; parts.host.nics and the link specs are not
/// used. @throws UserError if the file cannot be read or is wrong.
FabricGraph build(const TopologyFileParams& params, const FabricParts& parts);

}  // namespace plait
