// SPDX-License-Identifier: Apache-2.0
#include "models/cc/dctcp.hpp"

#include <algorithm>
#include <string>

#include "models/cc/preset.hpp"
#include "models/cc/rate_window.hpp"

namespace plait {

namespace {

// Settings of the ns-3 RDMA models at 100 Gbps (HPCC artefact and its descendants).
DctcpParams ns3() {
  DctcpParams p;
  p.additive_step = BitRate::mbps(615);  // 1000 B per 13 us
  p.min_rate = BitRate::mbps(1000);
  p.loss_cut = false;
  return p;
}

/// One flow's sender. Invariants after every call: min_rate <= rate <= line rate, 0 <= alpha <= 1.
class Dctcp final : public CongestionControl {
 public:
  Dctcp(const PathInfo& path, const DctcpParams& params)
      : params_(params),
        line_bps_(path.line_rate.bps()),
        rate_bps_(line_bps_),
        mtu_(path.mtu.count()) {
    const Duration rtt = base_rtt_of(path, params.base_rtt);
    const std::int64_t packet = std::max<std::int64_t>(1, packet_per_rtt_bps(path.mtu, rtt));
    step_bps_ = params.additive_step.bps() > 0 ? params.additive_step.bps() : packet;
    floor_bps_ = std::min(line_bps_, params.min_rate.bps() > 0 ? params.min_rate.bps() : packet);
    full_window_ = params.window.count() > 0 ? params.window : bytes_in(rtt, path.line_rate);
  }

  void on_sent(SimTime, std::uint32_t) override {}
  void on_ack(SimTime now, const AckInfo& ack) override;
  void on_cnp(SimTime) override {}  // on_ack() has the mark
  void on_loss(SimTime) override { lost_ = true; }
  BitRate rate(SimTime) override { return BitRate::bps(rate_bps_); }
  Bytes window(SimTime) override {
    return params_.variable_window ? window_at(full_window_, rate_bps_, line_bps_) : full_window_;
  }

 private:
  bool update_alpha(const AckInfo& ack);
  void cut(double by, std::int64_t until);

  const DctcpParams& params_;
  std::int64_t line_bps_, rate_bps_, mtu_;
  std::int64_t step_bps_ = 0, floor_bps_ = 0;
  Bytes full_window_;
  double alpha_ = 1.0;
  std::int64_t round_end_ = 0;      // an ACK beyond it starts a new round; 0 = none came yet
  std::int64_t round_packets_ = 0;  // expected to be acknowledged in this round
  std::int64_t marked_packets_ = 0;
  std::int64_t cut_end_ = 0;  // an ACK beyond it allows the next cut
  bool was_cut_ = false, lost_ = false;
};

// Once per round trip: alpha <- (1 - g) alpha + g F. @return whether a new round starts.
bool Dctcp::update_alpha(const AckInfo& ack) {
  if (ack.ecn_echo) {  // a coalesced ACK has one mark for all its packets
    const auto newly = static_cast<std::int64_t>(ack.acked_bytes);
    marked_packets_ += std::max<std::int64_t>(1, (newly + mtu_ - 1) / mtu_);
  }
  if (ack.acked_to <= round_end_) return false;
  if (round_end_ == 0) {
    round_packets_ = ack.sent_to / mtu_ + 1;
  } else {
    const double share = static_cast<double>(marked_packets_) / static_cast<double>(round_packets_);
    alpha_ = (1 - params_.gain) * alpha_ + params_.gain * std::min(1.0, share);
    marked_packets_ = 0;
    round_packets_ = (ack.sent_to - ack.acked_to) / mtu_ + 1;
  }
  round_end_ = ack.sent_to;
  return true;
}

void Dctcp::cut(double by, std::int64_t until) {
  rate_bps_ = std::max(floor_bps_, scaled_bps(rate_bps_, 1 - by));
  was_cut_ = true;
  cut_end_ = until;
}

void Dctcp::on_ack(SimTime, const AckInfo& ack) {
  const bool new_round = update_alpha(ack);
  if (was_cut_ && ack.acked_to > cut_end_) was_cut_ = false;
  if (lost_ && params_.loss_cut && !was_cut_) cut(0.5, ack.sent_to);
  lost_ = false;
  if (ack.ecn_echo && !was_cut_) cut(alpha_ / 2, ack.sent_to);
  if (new_round && !was_cut_) rate_bps_ = std::min(line_bps_, rate_bps_ + step_bps_);
}

const std::vector<Preset<DctcpParams>>& presets() {
  static const std::vector<Preset<DctcpParams>> kAll = {
      {{"rfc8257", "the published algorithm's settings", "RFC 8257"}, {}},
      {{"ns3", "the ns-3 RDMA models at 100 Gbps", "HPCC artefact"}, ns3()}};
  return kAll;
}

}  // namespace

DctcpParams dctcp_preset(std::string_view name) { return find_preset("DCTCP", presets(), name); }

void describe(ParamVisitor& v, DctcpParams& p) {
  take_preset(v, presets(), p);
  const Range<BitRate> rate{BitRate::bps(0), BitRate::gbps(10'000)};
  v.field({"gain", "g: weight of a new sample of the marked share", "RFC 8257, 1/16"}, p.gain,
          {1e-6, 1.0});
  v.field({"additive_step",
           "added to the rate per round trip without a cut; 0bps: one packet per "
           "base_rtt",
           "RFC 8257: one segment per round trip"},
          p.additive_step, rate);
  v.field({"min_rate", "rate below which no cut goes; 0bps: one packet per base_rtt",
           "TCP's least window of one segment"},
          p.min_rate, rate);
  v.field({"loss_cut", "a lost packet halves the rate, at most once per round trip",
           "RFC 8257 section 3.5"},
          p.loss_cut);
  v.field({"base_rtt", "round-trip time of the unloaded path; 0s: computed for every flow",
           "from the path"},
          p.base_rtt, {Duration(), Duration::s(1)});
  v.field({"window", "window at line rate; 0B: line rate times base_rtt",
           "one bandwidth-delay product keeps an unloaded path full"},
          p.window, {Bytes(0), Bytes::gibi(64)});
  v.field({"variable_window", "the window is proportional to the rate", "HPCC artefact VAR_WIN"},
          p.variable_window);
}

std::unique_ptr<CongestionControl> make_dctcp(const PathInfo& path, const DctcpParams& params) {
  return std::make_unique<Dctcp>(path, params);
}

}  // namespace plait
