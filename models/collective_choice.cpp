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
// Each message is an event or more: a gigabyte in pieces of a byte would be 10^9 of them.
constexpr Bytes kLeastChunk = Bytes::kibi(1);
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

/// @param custom  whether a file can be named beside it.
void describe_choice(ParamVisitor& visitor, CollectiveAlgorithm& algorithm, bool custom) {
  std::vector<Choice> names;
  for (int i = 0; i < static_cast<int>(Algorithm::kCustom); ++i)
    names.push_back({to_string(static_cast<Algorithm>(i)),
                     i == 0 ? "by NCCL's cost model" : "for the kinds that have it"});
  if (custom) names.push_back({to_string(Algorithm::kCustom), "the algorithm in `file`"});
  visitor.choice({"algorithm", "of each call; kinds that do not have it choose for themselves",
                  "NCCL chooses by its cost model"},
                 algorithm, names);
}

void describe_choice(ParamVisitor& visitor, CollectiveProtocol& protocol) {
  visitor.choice({"protocol", "how NCCL moves data: flags beside it, or whole chunks",
                  "NCCL chooses by its cost model"},
                 protocol,
                 {{"auto", "by NCCL's cost model"},
                  {"ll", "a flag beside every 4 bytes: twice the bytes, least latency"},
                  {"ll128", "8 bytes of flags beside every 120"},
                  {"simple", "no flags: each chunk waits for the one before"}});
}

}  // namespace

void describe(ParamVisitor& visitor, CollectiveParams& params) {
  const std::string_view tuning = "NCCL src/graph/tuning.cc, ring, protocol Simple";
  describe_choice(visitor, params.algorithm, false);
  describe_choice(visitor, params.protocol);
  visitor.field({"launch", "time from the start of a collective call to its first step", tuning},
                params.launch, {Duration{}, Duration::s(1)});
  visitor.field({"step_intra", "software time of a step whose peer is on the same host",
                 "NCCL src/graph/tuning.cc: 3.4 us an NVLink hop, less the 0.6 us of flight that "
                 "fabric.scale_up simulates"},
                params.step_intra, {Duration{}, Duration::s(1)});
  visitor.field({"step_inter", "software time of a step whose peer is on another host",
                 "NCCL src/graph/tuning.cc: 14 us a network hop, less the 1.7 us of flight that "
                 "the fabric simulates"},
                params.step_inter, {Duration{}, Duration::s(1)});
  visitor.field(
      {"chunk",
       "largest message of a collective; larger pieces are cut and pipelined. Below 1KiB a "
       "run would do little else than count messages",
       "NCCL Simple: 4 of the 8 slots of a 4 MiB buffer, times 24 channels of an A100"},
      params.chunk, {kLeastChunk, Bytes::gibi(64)});
  visitor.field({"broadcast_chunk",
                 "the same for a broadcast or a tree, which pipeline along a chain of ranks; of "
                 "all rings together",
                 "NCCL Simple: 1 of the 8 slots of a 4 MiB buffer, times 24 channels of an A100"},
                params.broadcast_chunk, {kLeastChunk, Bytes::gibi(64)});
  visitor.field({"window",
                 "of direct algorithms: peers to send to before the first of them must have "
                 "answered; 0 = all",
                 "NCCL's grouped sends: all"},
                params.window, {0, 1'000'000});
  visitor.field({"channels",
                 "rings used side by side; 0 = 1 on one host, else the largest number "
                 "of group members on one host",
                 "Plait's choice, after NCCL's one ring per NIC"},
                params.channels, {0, kMaxChannels});
  visitor.field({"max_channels", "limit of the automatic number of channels", "Plait's choice"},
                params.max_channels, {1, kMaxChannels});
}

void describe(ParamVisitor& visitor, CollectiveOverride& params) {
  std::vector<Choice> kinds = {{"any", "every collective"}};
  for (int i = 0; i <= static_cast<int>(CollectiveKind::kScatter); ++i)
    kinds.push_back({to_string(static_cast<CollectiveKind>(i)), ""});
  visitor.choice({"kind", "which collectives", "Plait's choice"}, params.kind, kinds);
  visitor.field({"group", "name of the group; * stands for any text", "Plait's choice"},
                params.group);
  visitor.field({"from", "sizes of at least this", "Plait's choice"}, params.from,
                {Bytes(0), Bytes::gibi(1LL << 20)});
  visitor.field({"to", "and below this", "Plait's choice"}, params.to,
                {Bytes(0), Bytes::gibi(1LL << 20)});
  describe_choice(visitor, params.algorithm, true);
  describe_choice(visitor, params.protocol);
  visitor.field({"channels", "rings side by side; 0: as collectives.channels", "Plait's choice"},
                params.channels, {0, kMaxChannels});
  visitor.field({"file",
                 "of algorithm custom: MSCCL's XML, or with {rank} in the name Chakra files, one a "
                 "rank; from the scenario's folder",
                 "none"},
                params.file);
  visitor.field({"written_for",
                 "of Chakra files: the size of a call for which theirs hold; those of other calls "
                 "are in proportion",
                 "none"},
                params.written_for, {Bytes(0), Bytes::gibi(1LL << 20)});
}

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
