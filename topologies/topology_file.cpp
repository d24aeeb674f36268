// SPDX-License-Identifier: Apache-2.0
#include "topologies/topology_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/error.hpp"
#include "sim/params.hpp"
#include "topologies/edge_list.hpp"
#include "topologies/graphml.hpp"

namespace plait {

void describe(ParamVisitor& v, TopologyFileParams& p) {
  v.field({"path", "the file, relative to the scenario's folder", "no default: required"}, p.path);
  v.choice({"format", "how the file is written", "Plait's own format"}, p.format,
           {{"edge_list", "lines host NAME, switch NAME, link A B RATE DELAY"},
            {"graphml", "GraphML with the keys name, kind, rate, delay"},
            {"ns3", "topology file of the ns-3 RDMA simulators"}});
}

FabricGraph build(const TopologyFileParams& params, const FabricParts& parts) {
  if (params.path.empty()) throw UserError("file: path is missing");
  const std::string path = (std::filesystem::path(parts.base_dir) / params.path).string();
  errno = 0;
  std::ifstream file(path);
  std::stringstream text;  // whole file: a folder opens too, but does not read
  if (!file || !(text << file.rdbuf()))
    throw UserError({path, 0, 0}, errno != 0 ? std::strerror(errno) : "the file is empty");
  if (text.view().find('\0') != std::string_view::npos)  // UTF-16, or no text at all
    throw UserError({path, 0, 0}, "is not UTF-8 text");
  switch (params.format) {
    case TopologyFormat::kEdgeList:
      return read_edge_list(text, path, parts.host.gpus);
    case TopologyFormat::kGraphml:
      return read_graphml(text, path, parts.host.gpus);
    case TopologyFormat::kNs3:
      return read_ns3_topology(text, path, parts.host.gpus);
  }
  throw UserError({path, 0, 0}, "unknown format");
}

}  // namespace plait
