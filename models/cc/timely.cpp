// SPDX-License-Identifier: Apache-2.0
#include "models/cc/timely.hpp"

#include <algorithm>
#include <string>

#include "models/cc/preset.hpp"
#include "models/cc/rate_window.hpp"

namespace plait {

namespace {

// Settings of the ns-3 RDMA models at 100 Gbps (HPCC artefact and its descendants).
TimelyParams ns3() {
  TimelyParams p;
  p.step = BitRate::mbps(100);
  p.hyper_step = BitRate::mbps(500);
  p.hyper_below_low = true;
  p.min_rate = BitRate::mbps(1000);
  return p;
}

// Differences and ratios in nanoseconds: with a clock of 1 ns these are whole numbers, and the
// results are those of code that counts nanoseconds.
double ns(Duration d) { return static_cast<double>(d.ps()) / 1000; }

/// One flow's sender. Invariant after every call: min_rate <= rate <= line rate.
class Timely final : public CongestionControl {
 public:
  Timely(const PathInfo& path, const TimelyParams& params)
      : params_(params),
        line_bps_(path.line_rate.bps()),
        rate_bps_(line_bps_),
        floor_bps_(std::min(line_bps_, params.min_rate.bps())),
        min_rtt_ns_(ns(base_rtt_of(path, params.min_rtt))),
        full_window_(params.window.count() > 0 ? params.window : Bytes(INT64_MAX)) {}

  void on_sent(SimTime, std::uint32_t) override {}
  void on_ack(SimTime now, const AckInfo& ack) override;
  void on_cnp(SimTime) override {}
  void on_loss(SimTime) override {}
  BitRate rate(SimTime) override { return BitRate::bps(rate_bps_); }
  Bytes window(SimTime) override {
    const bool scales = params_.variable_window && params_.window.count() > 0;
    return scales ? window_at(full_window_, rate_bps_, line_bps_) : full_window_;
  }

 private:
  void update(Duration rtt);
  void increase(bool may_be_hyper);
  void decrease(double factor);

  const TimelyParams& params_;
  std::int64_t line_bps_, rate_bps_, floor_bps_;
  double min_rtt_ns_;
  Bytes full_window_;
  std::int64_t round_end_ = 0;  // an ACK beyond it ends the round; 0 = no round yet
  Duration last_rtt_;
  double smoothed_diff_ns_ = 0;
  std::int64_t increases_ = 0;  // in a row
};

void Timely::on_ack(SimTime, const AckInfo& ack) {
  // A packet that was sent twice has no round-trip time: the next one will do.
  if (ack.acked_to <= round_end_ || ack.rtt == Duration()) return;
  if (round_end_ != 0) update(ack.rtt);
  round_end_ = ack.sent_to;
  last_rtt_ = ack.rtt;
}

void Timely::update(Duration rtt) {
  const double diff = ns(rtt - last_rtt_);
  smoothed_diff_ns_ = (1 - params_.weight) * smoothed_diff_ns_ + params_.weight * diff;
  const double gradient = smoothed_diff_ns_ / min_rtt_ns_;
  if (rtt < params_.t_low) {
    increase(params_.hyper_below_low);
  } else if (rtt > params_.t_high) {
    decrease(1 - params_.cut * (1 - ns(params_.t_high) / ns(rtt)));
  } else if (gradient <= 0) {
    increase(true);
  } else {
    decrease(std::max(0.0, 1 - params_.cut * gradient));
  }
}

void Timely::increase(bool may_be_hyper) {
  const bool hyper = may_be_hyper && increases_ >= params_.steps_to_hyper;
  increases_ = may_be_hyper ? increases_ + 1 : 0;
  rate_bps_ = std::min(line_bps_, rate_bps_ + (hyper ? params_.hyper_step : params_.step).bps());
}

void Timely::decrease(double factor) {
  rate_bps_ = std::max(floor_bps_, scaled_bps(rate_bps_, factor));
  increases_ = 0;
}

const std::vector<Preset<TimelyParams>>& presets() {
  static const std::vector<Preset<TimelyParams>> kAll = {
      {{"paper", "the published algorithm's settings, for 10 Gbps", "Mittal et al., SIGCOMM 2015"},
       {}},
      {{"ns3", "the ns-3 RDMA models at 100 Gbps", "HPCC artefact"}, ns3()}};
  return kAll;
}

}  // namespace

TimelyParams timely_preset(std::string_view name) { return find_preset("TIMELY", presets(), name); }

void describe(ParamVisitor& v, TimelyParams& p) {
  take_preset(v, presets(), p);
  const Range<Duration> time{Duration::ns(1), Duration::s(1)};
  const Range<BitRate> rate{BitRate::bps(1), BitRate::gbps(10'000)};
  v.field({"weight", "alpha: weight of a new difference of round-trip times", "paper, 0.875"},
          p.weight, {1e-6, 1.0});
  v.field({"cut", "beta: strength of a decrease", "paper, 0.8"}, p.cut, {0.0, 1.0});
  v.field({"t_low", "round-trip time below which the rate always grows", "paper, 50 us"}, p.t_low,
          time);
  v.field({"t_high", "round-trip time above which the rate always falls", "paper, 500 us"},
          p.t_high, time);
  v.field({"min_rtt", "divides the difference to give the gradient; 0s: the path's base RTT",
           "HPCC artefact, 20 us (unconfirmed in the paper)"},
          p.min_rtt, {Duration(), Duration::s(1)});
  v.field({"step", "delta: added to the rate per round trip", "paper, 10 Mbps"}, p.step, rate);
  v.field({"hyper_step", "added per round trip in hyper increase", "paper, 5 delta"}, p.hyper_step,
          rate);
  v.field({"steps_to_hyper", "increases in a row before hyper increase", "paper, 5"},
          p.steps_to_hyper, {0, 1000});
  v.field({"hyper_below_low", "round trips below t_low count for hyper increase too",
           "paper: they do not"},
          p.hyper_below_low);
  v.field({"min_rate", "rate below which no decrease goes", "Plait's choice; the paper names none"},
          p.min_rate, rate);
  v.field({"window", "window at line rate; 0B: no window", "paper: rate only"}, p.window,
          {Bytes(0), Bytes::gibi(64)});
  v.field({"variable_window", "the window is proportional to the rate", "HPCC artefact VAR_WIN"},
          p.variable_window);
}

std::unique_ptr<CongestionControl> make_timely(const PathInfo& path, const TimelyParams& params) {
  return std::make_unique<Timely>(path, params);
}

}  // namespace plait
