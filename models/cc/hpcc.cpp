// SPDX-License-Identifier: Apache-2.0
#include "models/cc/hpcc.hpp"

#include <algorithm>

#include "models/cc/preset.hpp"
#include "models/cc/rate_window.hpp"
#include "models/telemetry.hpp"
#include "sim/check.hpp"

namespace plait {

namespace {

// Settings of the ns-3 RDMA models at 100 Gbps.
HpccParams ns3() {
  HpccParams p;
  p.max_stages = 0;
  p.additive_step = BitRate::mbps(40);
  p.min_rate = BitRate::mbps(1000);
  return p;
}

std::uint32_t difference(std::uint32_t now, std::uint32_t before, std::uint32_t mask) {
  return (now - before) & mask;
}

/// One flow's sender. Invariant: min(min_rate, line rate) <= rate <= line rate.
/// Rates are whole bits per second, cut off after every step, as in the artefact.
class Hpcc final : public CongestionControl {
 public:
  Hpcc(const PathInfo& path, const HpccParams& params)
      : params_(params),
        scale_(*path.int_scale),
        line_bps_(path.line_rate.bps()),
        base_rtt_ns_(std::max<std::int64_t>(1, base_rtt_of(path, params.base_rtt).ps() / 1000)),
        window_(params.window.count() > 0
                    ? params.window.count()
                    : bytes_in(Duration::ns(base_rtt_ns_), path.line_rate).count()),
        rate_bps_(line_bps_),
        reference_bps_(line_bps_) {}

  void on_sent(SimTime, std::uint32_t) override {}
  void on_ack(SimTime now, const AckInfo& ack) override;
  void on_cnp(SimTime) override {}
  void on_loss(SimTime) override {}
  BitRate rate(SimTime) override { return BitRate::bps(rate_bps_); }
  Bytes window(SimTime) override;
  bool moves_waiting_packet() const override { return true; }

 private:
  struct Load {
    double utilisation = 0;  // [U_max] of the busiest hop
    std::int64_t span_ns = 0;
  };
  Load busiest_hop(const IntStack& stack) const;
  void update(const IntStack& stack, bool full);

  const HpccParams& params_;
  const IntScale& scale_;
  std::int64_t line_bps_, base_rtt_ns_, window_;
  std::int64_t rate_bps_, reference_bps_;  // -, [W_c] as a rate
  double load_ = 1.0;                      // [U]
  std::int64_t stage_ = 0;                 // [incStage]
  std::int64_t update_position_ = 0;       // [lastUpdateSeq]; 0: no ACK yet
  IntStack last_;                          // [L]
};

Bytes Hpcc::window(SimTime) {
  if (!params_.variable_window) return Bytes(window_);
  return window_at(Bytes(window_), rate_bps_, line_bps_);
}

void Hpcc::on_ack(SimTime, const AckInfo& ack) {
  PLAIT_CHECK(ack.telemetry != nullptr, "HPCC needs telemetry");
  const IntStack& stack = *ack.telemetry;
  const bool first = update_position_ == 0;
  if (first) update_position_ = ack.sent_to;
  if (first || stack.hops != last_.hops || stack.path != last_.path) {  // nothing to compare with
    last_ = stack;
    return;
  }
  const bool full = ack.acked_to > update_position_;
  if (full || params_.fast_reaction) update(stack, full);
  if (full) update_position_ = std::max(update_position_, ack.sent_to);
}

// U of a hop = its sending rate and its queue in units of what the hop carries in one base RTT.
Hpcc::Load Hpcc::busiest_hop(const IntStack& stack) const {
  Load worst;
  const std::uint32_t hops = std::min<std::uint32_t>(stack.hops, IntStack::kMaxHops);
  for (std::uint32_t i = 0; i < hops; ++i) {
    const IntHop& now = stack.hop[i];
    const IntHop& before = last_.hop[i];
    const std::int64_t span = difference(now.time_ns(), before.time_ns(), IntHop::kTimeMask);
    if (span == 0) continue;  // the records of one instant tell no rate
    const std::uint64_t bytes =
        std::uint64_t{128} * scale_.unit *
        difference(now.byte_units(), before.byte_units(), IntHop::kBytesMask);
    const std::uint64_t queue =
        std::uint64_t{80} * scale_.unit * std::min(now.queue_units(), before.queue_units());
    const double hop_bps = static_cast<double>(scale_.class_rate[stack.link_class[i]].bps());
    const double sent_bps = static_cast<double>(bytes * 8) / (static_cast<double>(span) * 1e-9);
    double u = sent_bps / hop_bps;
    if (queue != 0)  // seldom; the divisions take time
      u += static_cast<double>(queue) * static_cast<double>(line_bps_) / hop_bps /
           static_cast<double>(window_);
    if (u > worst.utilisation) worst = {u, span};
  }
  return worst;
}

void Hpcc::update(const IntStack& stack, bool full) {
  if (stack.hops == 0) return;
  const Load worst = busiest_hop(stack);
  last_ = stack;
  const std::int64_t span = std::min(worst.span_ns, base_rtt_ns_);
  load_ = (load_ * static_cast<double>(base_rtt_ns_ - span) +
           worst.utilisation * static_cast<double>(span)) /
          static_cast<double>(base_rtt_ns_);
  const double excess = load_ / params_.target_utilisation;
  const bool multiplicative = excess >= 1 || stage_ >= params_.max_stages;
  // A load near 0 would give a rate that no integer holds; it is cut to the line rate anyway.
  const double wanted = multiplicative ? static_cast<double>(reference_bps_) / excess
                                       : static_cast<double>(reference_bps_);
  const std::int64_t base =
      wanted < static_cast<double>(line_bps_) ? static_cast<std::int64_t>(wanted) : line_bps_;
  const std::int64_t least = std::min(params_.min_rate.bps(), line_bps_);
  rate_bps_ = std::clamp(base + params_.additive_step.bps(), least, line_bps_);
  if (!full) return;
  reference_bps_ = rate_bps_;
  stage_ = multiplicative ? 0 : stage_ + 1;
}

const std::vector<Preset<HpccParams>>& presets() {
  static const std::vector<Preset<HpccParams>> kAll = {
      {{"paper", "the published settings", "Li et al., SIGCOMM 2019"}, {}},
      {{"ns3", "the ns-3 RDMA models at 100 Gbps", "HPCC artefact"}, ns3()}};
  return kAll;
}

}  // namespace

HpccParams hpcc_preset(std::string_view name) { return find_preset("HPCC", presets(), name); }

void describe(ParamVisitor& v, HpccParams& p) {
  take_preset(v, presets(), p);
  const Range<BitRate> rate{BitRate::bps(1), BitRate::gbps(10'000)};
  v.field({"target_utilisation", "eta: share of a link that HPCC aims at", "SIGCOMM 2019, 0.95"},
          p.target_utilisation, {0.01, 1.0});
  v.field({"max_stages", "additive rounds before a multiplicative one", "SIGCOMM 2019, 5"},
          p.max_stages, {0, 1000});
  v.field({"additive_step", "added to the rate in every round", "HPCC artefact, 50 Mbps"},
          p.additive_step, rate);
  v.field({"min_rate", "rate below which no cut goes", "HPCC artefact, 100 Mbps"}, p.min_rate,
          rate);
  v.field({"fast_reaction", "react to every ACK, not only once per round trip", "SIGCOMM 2019"},
          p.fast_reaction);
  v.field({"base_rtt", "T: round-trip time of the unloaded fabric; 0us: of the flow's own path",
           "SIGCOMM 2019 takes the largest of the fabric"},
          p.base_rtt, {Duration(), Duration::ms(10)});
  v.field({"window", "window at line rate; 0B: line rate times base_rtt", "SIGCOMM 2019"}, p.window,
          {Bytes(0), Bytes::gibi(1)});
  v.field({"variable_window", "the window shrinks with the rate", "SIGCOMM 2019"},
          p.variable_window);
}

std::unique_ptr<CongestionControl> make_hpcc(const PathInfo& path, const HpccParams& params) {
  return std::make_unique<Hpcc>(path, params);
}

}  // namespace plait
