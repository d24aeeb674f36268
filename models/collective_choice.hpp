// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective_choice.hpp
/// How a collective call runs: algorithm, protocol, rings, chunk and software costs; as the user
/// says for it, or by NCCL's cost model. Rules, sources, deviations: docs/models/nccl.md.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/params.hpp"
#include "sim/units.hpp"
#include "workloads/collectives/algorithm.hpp"
#include "workloads/collectives/collective.hpp"
#include "workloads/collectives/collective_facts.hpp"
#include "workloads/collectives/layout.hpp"
#include "workloads/collectives/nccl_model.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// Which collectives an override is about; kAny, or CollectiveKind + 1.
enum class CollectiveFilter : std::uint8_t { kAny };

/// What the user says for some calls.
struct CollectiveOverride {
  CollectiveFilter kind = CollectiveFilter::kAny;
  std::string group = "*";            ///< Name of the group; '*' stands for any text.
  Bytes from{};                       ///< Op::size at least this,
  Bytes to = Bytes::gibi(1LL << 20);  ///< and below this.
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::kAuto;
  CollectiveProtocol protocol = CollectiveProtocol::kAuto;
  std::int64_t channels = 0;  ///< 0: as for all other calls.
  std::string file = {};      ///< Of algorithm custom; {rank} in it: Chakra, else XML.
  Bytes written_for{};        ///< Of Chakra: the size for which the files hold.
  std::shared_ptr<const CustomAlgorithm> custom = nullptr;  ///< What is in `file`.
};

/// Software costs of collectives: of protocol Simple on a ring. Those of other pairs are in the
/// same ratio to them as in NCCL's table.
struct CollectiveParams {
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::kAuto;
  CollectiveProtocol protocol = CollectiveProtocol::kAuto;
  Duration launch = Duration::ns(8'400);       ///< Once per call and rank, before its first step.
  Duration step_intra = Duration::ns(2'800);   ///< Step ready to message posted, peer on this host.
  Duration step_inter = Duration::ns(12'300);  ///< The same, peer on another host.
  Bytes chunk = Bytes::mebi(48);               ///< Larger pieces of data are cut.
  Bytes broadcast_chunk = Bytes::mebi(12);     ///< Along chains and trees, all rings together.
  std::int64_t window = 0;                     ///< Open peers of direct algorithms; 0 = all.
  std::int64_t channels = 0;                   ///< Rings side by side; 0 = from the placement.
  std::int64_t max_channels = 16;              ///< Limit of the automatic choice.
  std::vector<CollectiveOverride> overrides;   ///< The first that fits a call holds.
};
constexpr std::int64_t kMaxChannels = 64;

/// All but the overrides.
void describe(ParamVisitor& visitor, CollectiveParams& params);
void describe(ParamVisitor& visitor, CollectiveOverride& params);

/// How one collective call runs.
struct CollectiveChoice {
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::kRing;
  CollectiveProtocol protocol = CollectiveProtocol::kSimple;
  const GroupLayout* layout = nullptr;      ///< Not null; as long-lived as the group.
  const CustomAlgorithm* custom = nullptr;  ///< Of algorithm kCustom; as long-lived.
  Bytes chunk{};
  std::uint32_t window = 0;  ///< CollectiveCall::window.
  Duration launch{};         ///< Once per call and rank, before its first step.
  Duration step_intra{};     ///< Step ready to message posted, peer on this host.
  Duration step_inter{};     ///< The same, peer on another host.

  /// "ring"; "custom:" and the name that its file gives it.
  std::string name() const;

  /// Data and flags of a message with `data`.
  Bytes wire_bytes(Bytes data) const {
    const WireFactor factor = wire_factor(protocol);
    return Bytes((data.count() * factor.wire + factor.data - 1) / factor.data);
  }
};

/// Whether `text` is what `pattern` says, in which '*' stands for any text.
bool matches_pattern(std::string_view pattern, std::string_view text);

/// What is known of one group for all its calls.
class GroupChoices {
 public:
  GroupChoices() = default;
  /// @param params  outlives this.
  GroupChoices(const CollectiveParams& params, std::string_view group,
               const std::vector<std::uint32_t>& hosts, std::uint32_t nics,
               const CollectiveFacts& facts);

  /// Of most calls.
  const GroupLayout& layout() const { return layouts_.front().layout; }
  const NcclGroup& nccl() const { return nccl_; }

  /// @param op  a collective of this group.
  /// @throws UserError naming the group, if the user wants what its placement does not allow.
  CollectiveChoice choose(const Op& op) const;

 private:
  struct Channels {
    std::int64_t asked;
    GroupLayout layout;
  };

  const GroupLayout& layout_of(std::int64_t channels) const;
  NcclPick pick(const Op& op, const CollectiveOverride& wish) const;
  CollectiveCall call_of(const Op& op, const CollectiveOverride& wish) const;
  CollectiveAlgorithm allowed(const Op& op, const CollectiveOverride& wish) const;
  CollectiveAlgorithm allowed_custom(const Op& op, const CollectiveOverride& wish) const;
  void set_costs(const Op& op, CollectiveChoice& choice) const;

  const CollectiveParams* params_ = nullptr;
  std::string name_;
  std::vector<Channels> layouts_;
  std::vector<const CollectiveOverride*> overrides_;  // whose pattern fits the group
  NcclGroup nccl_;
};

}  // namespace plait
