// SPDX-License-Identifier: Apache-2.0
#include "models/collective_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/collectives/custom.hpp"

namespace plait {

namespace {

using Algorithm = CollectiveAlgorithm;
using Protocol = CollectiveProtocol;

// NCCL's tree is a chain on each host and a tree between them.
constexpr std::array<Algorithm, 5> kNcclAlgorithms = {Algorithm::kRing, Algorithm::kTwoLevelTree,
                                                      Algorithm::kNvls, Algorithm::kNvlsTree,
                                                      Algorithm::kPat};

// NCCL's NVLink latencies include the flight, which fabric.host.scale_up simulates.
constexpr double kFlightUs = 0.6;
// Its network latencies include the way from GPU to GPU, which the fabric simulates: the least of
// them, 2.7 us of LL on a ring, less the 1 us of the posting.
constexpr double kNetworkFlightUs = 1.7;
// In data: LL has 32 KiB in a slot of its buffer, LL128 576,000 bytes, Simple two MiB in four
// slots.
constexpr double kLlChunk = 1.0 / 64, kLl128Chunk = 576'000.0 / (2 << 20);
// Trees pipeline: NCCL halves their chunks until several are on their way.
constexpr std::int64_t kTreePieces = 16;
constexpr Bytes kLeastTreeChunk = Bytes::kibi(64);
// Of what a protocol or one of many rings has of it.
constexpr Bytes kLeastShare = Bytes(256);

// Of 1: what is `us` for protocol Simple on a ring is `param`.
Duration in_ratio(double us, double ring_us, Duration param) {
  return Duration::ps(std::llround(us / ring_us * static_cast<double>(param.ps())));
}

bool is_tree(Algorithm algorithm) {
  return algorithm == Algorithm::kTree || algorithm == Algorithm::kTwoLevelTree;
}

bool has_nccl_latency(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::kAllReduce:
    case CollectiveKind::kAllGather:
    case CollectiveKind::kReduceScatter:
    case CollectiveKind::kBroadcast:
    case CollectiveKind::kReduce:
      return true;
    default:
      return false;
  }
}

bool fits(const CollectiveOverride& wish, const Op& op) {
  const bool kind = wish.kind == CollectiveFilter::kAny ||
                    static_cast<int>(wish.kind) == static_cast<int>(op.collective) + 1;
  return kind && op.size >= wish.from && op.size < wish.to;
}

}  // namespace

std::string CollectiveChoice::name() const {
  const std::string name(to_string(algorithm));
  return custom == nullptr ? name : fmt::format("{}:{}", name, custom->name);
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t i = star; i <= text.size(); ++i)
    if (matches_pattern(rest, text.substr(i))) return true;
  return false;
}

GroupChoices::GroupChoices(const CollectiveParams& params, std::string_view group,
                           const std::vector<std::uint32_t>& hosts, std::uint32_t nics,
                           const CollectiveFacts& facts)
    : params_(&params), name_(group) {
  const auto add_layout = [&](std::int64_t channels) {
    const bool known = std::any_of(layouts_.begin(), layouts_.end(),
                                   [&](const Channels& c) { return c.asked == channels; });
    if (known) return;
    layouts_.push_back({channels, make_layout(hosts, static_cast<std::uint32_t>(channels),
                                              static_cast<std::uint32_t>(params.max_channels))});
    layouts_.back().layout.in_switch_reduction = facts.in_switch_reduction;
  };
  add_layout(params.channels);
  for (const CollectiveOverride& wish : params.overrides) {
    if (!matches_pattern(wish.group, group)) continue;
    overrides_.push_back(&wish);
    if (wish.channels != 0) add_layout(wish.channels);
  }
  nccl_ = make_nccl_group(static_cast<std::uint32_t>(hosts.size()),
                          static_cast<std::uint32_t>(layout().hosts.size()), nics, facts);
}

const GroupLayout& GroupChoices::layout_of(std::int64_t channels) const {
  for (const Channels& known : layouts_)
    if (known.asked == channels) return known.layout;
  PLAIT_CHECK(false, "the layout of every override is made beforehand");
}

CollectiveChoice GroupChoices::choose(const Op& op) const {
  CollectiveOverride wish{.algorithm = params_->algorithm, .protocol = params_->protocol};
  for (const CollectiveOverride* one : overrides_)
    if (fits(*one, op)) {
      wish = *one;
      break;
    }
  if (wish.custom != nullptr && wish.protocol == Protocol::kAuto)
    wish.protocol = wish.custom->protocol;
  const NcclPick picked = pick(op, wish);
  CollectiveChoice choice;
  choice.algorithm = picked.algorithm;
  choice.protocol = picked.protocol;
  if (choice.algorithm == Algorithm::kCustom) choice.custom = wish.custom.get();
  choice.layout = &layout_of(wish.channels == 0 ? params_->channels : wish.channels);
  set_costs(op, choice);
  return choice;
}

CollectiveCall GroupChoices::call_of(const Op& op, const CollectiveOverride& wish) const {
  CollectiveCall call;
  call.kind = op.collective;
  call.group_size = nccl_.ranks;
  call.layout = &layout();
  call.custom = wish.custom.get();
  return call;
}

// The algorithm that the user wants, or kAuto if the kind does not have it.
CollectiveAlgorithm GroupChoices::allowed(const Op& op, const CollectiveOverride& wish) const {
  if (wish.algorithm == Algorithm::kCustom) return allowed_custom(op, wish);
  const std::vector<Algorithm> legal = legal_algorithms(op.collective);
  if (std::find(legal.begin(), legal.end(), wish.algorithm) == legal.end()) return Algorithm::kAuto;
  const std::string reason = why_not(wish.algorithm, call_of(op, wish));
  if (!reason.empty())
    throw UserError(fmt::format("group '{}' cannot run {} with algorithm {}: {}", name_,
                                to_string(op.collective), to_string(wish.algorithm), reason));
  return wish.algorithm;
}

// A file is for one kind and number of ranks: what else the override fits is a slip of the pen.
CollectiveAlgorithm GroupChoices::allowed_custom(const Op& op,
                                                 const CollectiveOverride& wish) const {
  if (nccl_.ranks == 1) return Algorithm::kAuto;  // no steps, whatever the algorithm
  std::string reason = why_not(Algorithm::kCustom, call_of(op, wish));
  if (reason.empty() && op.matrix != Op::kNoMatrix)
    reason = fmt::format("{}: '{}' sends equal parts, and the sizes of this all_to_all differ",
                         wish.custom->place, wish.custom->name);
  if (!reason.empty())
    throw UserError(
        fmt::format("group '{}' cannot run {} with algorithm custom: {}; give the override in "
                    "collectives.overrides the kind, the group and the sizes that the file is for",
                    name_, to_string(op.collective), reason));
  return Algorithm::kCustom;
}

NcclPick GroupChoices::pick(const Op& op, const CollectiveOverride& wish) const {
  const Algorithm wanted = allowed(op, wish);
  std::vector<Algorithm> candidates;
  if (wanted != Algorithm::kAuto) {
    candidates.push_back(wanted);
  } else {
    for (const Algorithm algorithm : kNcclAlgorithms)
      if (why_not(algorithm, call_of(op, wish)).empty()) candidates.push_back(algorithm);
  }
  const auto best = nccl_choose(op.collective, op.size, nccl_, candidates, wish.protocol);
  if (best) return *best;
  const Algorithm algorithm =
      wanted == Algorithm::kAuto ? default_algorithm(op.collective) : wanted;
  // NCCL has no model of this kind or algorithm, or nothing is known of the machine.
  const bool only_simple =
      nccl_latency(algorithm, Protocol::kSimple) && !nccl_latency(algorithm, Protocol::kLl);
  if (wish.protocol == Protocol::kAuto || only_simple) return {algorithm, Protocol::kSimple};
  return {algorithm, wish.protocol};
}

void GroupChoices::set_costs(const Op& op, CollectiveChoice& choice) const {
  const NcclLatency simple = *nccl_latency(Algorithm::kRing, Protocol::kSimple);
  const bool nvls =
      choice.algorithm == Algorithm::kNvls || choice.algorithm == Algorithm::kNvlsTree;
  const auto own = nccl_latency(choice.algorithm, choice.protocol);
  NcclLatency row = own ? *own : *nccl_latency(Algorithm::kRing, choice.protocol);
  if (nvls) row = {row.nvlink - 2 * kFlightUs, kFlightUs, row.network};  // once, whatever the steps
  choice.launch = in_ratio(row.base, simple.base, params_->launch);
  choice.window = static_cast<std::uint32_t>(params_->window);
  choice.step_intra = in_ratio(std::max(row.nvlink - kFlightUs, 0.0), simple.nvlink - kFlightUs,
                               params_->step_intra);
  const double posts = choice.protocol == Protocol::kSimple ? 3 : 1;
  double network = posts * nccl_net_overhead_us(nccl_.facts.cpu);
  if (has_nccl_latency(op.collective)) network = std::max(network, row.network - kNetworkFlightUs);
  choice.step_inter = in_ratio(network, simple.network - kNetworkFlightUs, params_->step_inter);
  const bool along_a_chain = op.collective == CollectiveKind::kBroadcast ||
                             op.collective == CollectiveKind::kReduce || is_tree(choice.algorithm);
  choice.chunk = params_->chunk;
  if (along_a_chain) {
    // Of all rings together: each has its share of the data, as NCCL's channels have.
    const auto rings = static_cast<std::int64_t>(choice.layout->rings.size());
    choice.chunk = std::max(params_->broadcast_chunk / rings, kLeastShare);
    if (is_tree(choice.algorithm))
      choice.chunk =
          std::min(choice.chunk, std::max(op.size / (kTreePieces * rings), kLeastTreeChunk));
  }
  if (nvls)
    choice.chunk =
        std::min(choice.chunk, nccl_nvls_chunk(op.collective, op.size, nccl_, choice.algorithm));
  if (choice.protocol == Protocol::kSimple) return;
  const double share = choice.protocol == Protocol::kLl ? kLlChunk : kLl128Chunk;
  const auto chunk = static_cast<double>(choice.chunk.count());
  choice.chunk = std::max(kLeastShare, Bytes(std::llround(chunk * share)));
}

}  // namespace plait
