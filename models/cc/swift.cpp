// SPDX-License-Identifier: Apache-2.0
#include "models/cc/swift.hpp"

#include <algorithm>
#include <cmath>

#include "models/cc/rate_window.hpp"

namespace plait {

namespace {

double ps(Duration d) { return static_cast<double>(d.ps()); }

/// One flow's sender. Invariant after every call: min_window <= window <= max_window.
class Swift final : public CongestionControl {
 public:
  Swift(const PathInfo& path, const SwiftParams& params)
      : params_(params),
        line_bps_(path.line_rate.bps()),
        mtu_(static_cast<double>(path.mtu.count())),
        rtt_(base_rtt_of(path, params.base_rtt)),
        wire_bytes_(static_cast<std::uint32_t>(path.mtu.count())) {
    fixed_target_ps_ = ps(params.base_target) + ps(params.hop_delay) * path.hops;
    const double at_max = 1 / std::sqrt(params.flow_scaling_max);
    scale_ps_ = ps(params.flow_scaling_range) / (1 / std::sqrt(params.flow_scaling_min) - at_max);
    offset_ps_ = -scale_ps_ * at_max;
    const double whole = static_cast<double>(bytes_in(rtt_, path.line_rate).count()) / mtu_;
    set_window(SimTime(), params.start_window > 0 ? params.start_window : whole);
  }

  void on_sent(SimTime, std::uint32_t wire_bytes) override { wire_bytes_ = wire_bytes; }
  void on_ack(SimTime now, const AckInfo& ack) override;
  void on_cnp(SimTime) override {}
  void on_loss(SimTime now) override {
    timeouts_ = 0;
    if (can_decrease(now)) set_window(now, window_ * (1 - params_.max_cut));
  }
  void on_timeout(SimTime now) override {
    if (++timeouts_ >= params_.timeouts_to_min) {
      set_window(now, params_.min_window);
    } else if (can_decrease(now)) {
      set_window(now, window_ * (1 - params_.max_cut));
    }
  }
  BitRate rate(SimTime now) override;
  // A packet may be sent while at most `window_ - 1` packets are in flight, but one always may.
  Bytes window(SimTime) override {
    return Bytes(1 + static_cast<std::int64_t>(std::max(0.0, window_ - 1) * mtu_));
  }

 private:
  bool can_decrease(SimTime now) const { return !was_cut_ || now - last_cut_ >= rtt_; }
  double target_ps() const {
    const double scaling = scale_ps_ / std::sqrt(window_) + offset_ps_;
    return fixed_target_ps_ + std::clamp(scaling, 0.0, ps(params_.flow_scaling_range));
  }
  void set_window(SimTime now, double window) {
    window =
        std::clamp(window, params_.min_window, std::max(params_.min_window, params_.max_window));
    if (window < window_) {
      last_cut_ = now;
      was_cut_ = true;
    }
    window_ = window;
  }

  const SwiftParams& params_;
  std::int64_t line_bps_;
  double mtu_;
  double fixed_target_ps_ = 0, scale_ps_ = 0, offset_ps_ = 0;
  double window_ = 0;  // packets
  Duration rtt_;       // the latest, for pacing and for one cut per round trip
  SimTime last_cut_;
  std::uint32_t wire_bytes_;   // of the packet sent last
  std::int64_t timeouts_ = 0;  // in a row
  bool was_cut_ = false;
};

void Swift::on_ack(SimTime now, const AckInfo& ack) {
  if (ack.acked_bytes > 0) timeouts_ = 0;
  if (ack.rtt == Duration()) return;  // sent twice: its delay is not known
  const bool may_decrease = can_decrease(now);
  rtt_ = ack.rtt;
  const double delay = ps(ack.rtt), target = target_ps();
  if (delay < target) {
    const double acked = static_cast<double>(ack.acked_bytes) / mtu_;
    const double step = params_.additive_step * acked;
    set_window(now, window_ + (window_ >= 1 ? step / window_ : step));
  } else if (may_decrease) {
    const double factor = 1 - params_.cut * (delay - target) / delay;
    set_window(now, window_ * std::max(factor, 1 - params_.max_cut));
  }
}

// Below one packet per round trip the gap between packets is rtt / window.
BitRate Swift::rate(SimTime) {
  if (window_ >= 1) return BitRate::bps(line_bps_);
  const double bits = static_cast<double>(wire_bytes_) * 8 * 1e12;
  const auto paced = static_cast<std::int64_t>(bits * window_ / ps(rtt_));
  return BitRate::bps(std::clamp<std::int64_t>(paced, 1, line_bps_));
}

}  // namespace

void describe(ParamVisitor& v, SwiftParams& p) {
  const Range<Duration> time{Duration(), Duration::s(1)};
  v.field({"base_target", "target delay of a path without hops and of a large window",
           "htsim, 20 us: to be tuned to the fabric"},
          p.base_target, {Duration::ns(1), Duration::s(1)});
  v.field({"hop_delay", "added to the target per link of the path",
           "htsim: base_target / 6.55, a guess of its authors"},
          p.hop_delay, time);
  v.field({"flow_scaling_range", "most that a small window adds to the target",
           "htsim: 5 times base_target, a guess of its authors"},
          p.flow_scaling_range, time);
  v.field(
      {"flow_scaling_min", "window in packets below which the whole range is added", "paper, 0.1"},
      p.flow_scaling_min, {0.001, 1.0});
  v.field({"flow_scaling_max", "window in packets above which nothing is added", "paper, 100"},
          p.flow_scaling_max, {2.0, 1e6});
  v.field({"additive_step", "packets added to the window per round trip below the target",
           "htsim, 1.0, a guess of its authors"},
          p.additive_step, {1e-6, 1000.0});
  v.field({"cut", "beta: strength of a decrease", "htsim, 0.8, a guess of its authors"}, p.cut,
          {0.0, 1.0});
  v.field({"max_cut", "largest part of the window that one decrease takes",
           "htsim, 0.5, a guess of its authors"},
          p.max_cut, {0.0, 0.99});
  v.field({"min_window", "least window in packets; below 1 packets are paced",
           "Plait's choice; htsim: 10 bytes"},
          p.min_window, {1e-4, 1000.0});
  v.field({"max_window", "largest window in packets", "htsim, 1000, a guess of its authors"},
          p.max_window, {1.0, 1e6});
  v.field({"start_window", "first window in packets; 0: line rate times base_rtt",
           "Plait's choice: senders of RDMA start at line rate"},
          p.start_window, {0.0, 1e6});
  v.field({"timeouts_to_min", "timeouts in a row that set the window to min_window",
           "htsim, 5, a guess of its authors"},
          p.timeouts_to_min, {1, 1000});
  v.field({"base_rtt", "round-trip time of the unloaded path; 0s: computed for every flow",
           "from the path"},
          p.base_rtt, time);
}

std::unique_ptr<CongestionControl> make_swift(const PathInfo& path, const SwiftParams& params) {
  return std::make_unique<Swift>(path, params);
}

}  // namespace plait
