// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file ids.hpp
/// Distinct 32-bit identifier types. Ids are dense from 0 and are used as array indices.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>

namespace plait {

template <class Tag>
class Id {
 public:
  using Value = std::uint32_t;
  static constexpr Value kNone = std::numeric_limits<Value>::max();

  constexpr Id() = default;
  constexpr explicit Id(std::size_t value) : value_(static_cast<Value>(value)) {}

  static constexpr Id none() { return Id(); }
  constexpr bool valid() const { return value_ != kNone; }
  constexpr Value value() const { return value_; }
  constexpr std::size_t index() const { return value_; }

  friend constexpr auto operator<=>(Id, Id) = default;
  friend std::ostream& operator<<(std::ostream& out, Id id) {
    return id.valid() ? out << id.value_ : out << "none";
  }

 private:
  Value value_ = kNone;
};

using EntityId = Id<struct EntityTag>;      ///< Owner of state in the engine.
using NodeId = Id<struct NodeTag>;          ///< Host or switch of a fabric graph.
using PortId = Id<struct PortTag>;          ///< Attachment point, dense over the whole fabric.
using LinkId = Id<struct LinkTag>;          ///< One direction between two ports.
using EndpointId = Id<struct EndpointTag>;  ///< NIC port of a host, dense over all host ports.
using GpuId = Id<struct GpuTag>;            ///< GPU, dense over all hosts in host order.
using FlowId = Id<struct FlowTag>;          ///< One congestion-control state.
using RankId = Id<struct RankTag>;          ///< Process of a job, dense within the job.
using JobId = Id<struct JobTag>;            ///< Job of a scenario.
using GroupId = Id<struct GroupTag>;        ///< Process group, dense within a job.
using OpId = Id<struct OpTag>;              ///< Op, dense within one rank's op graph.

}  // namespace plait

template <class Tag>
struct std::hash<plait::Id<Tag>> {
  std::size_t operator()(plait::Id<Tag> id) const noexcept { return id.value(); }
};
