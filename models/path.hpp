// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file path.hpp
/// One path through the unloaded fabric and what it costs: the yardstick of slowdown and the base
/// round-trip time of congestion control.

#include <cstdint>
#include <vector>

#include "models/link.hpp"
#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace plait {

struct NetworkContext;

class Path {
 public:
  /// The first equal-cost path from one endpoint to another. @throws UserError if there is none.
  Path(const NetworkContext& context, EndpointId from, EndpointId to);

  std::uint32_t hops() const { return static_cast<std::uint32_t>(links_.size()); }

  /// From the start of the first of `packets` packets, sent back to back, to the arrival of the
  /// last byte; the last packet has `last_wire` bytes, the others `full_wire`. Exact for store and
  /// forward: the last packet follows the packets before it or the wire, whichever is later.
  Duration delivery(std::uint64_t packets, std::uint32_t full_wire, std::uint32_t last_wire) const;

 private:
  std::vector<const LinkClass*> links_;
};

}  // namespace plait
