// SPDX-License-Identifier: Apache-2.0
#include "models/cc/dcqcn.hpp"

#include <algorithm>

#include "models/cc/preset.hpp"
#include "models/cc/rate_window.hpp"

namespace plait {

namespace {

// The SIGCOMM 2015 paper, section 4 and table 14.
DcqcnParams paper() {
  DcqcnParams p;
  p.gain = 1.0 / 256;
  p.alpha_timer = Duration::us(55);
  p.decrease_timer = Duration::us(50);
  p.increase_timer = Duration::us(55);
  p.increase_bytes = Bytes::mega(10);
  p.fast_recovery_rounds = 5;
  p.additive_step = BitRate::mbps(40);
  p.hyper_step = BitRate::mbps(400);
  p.min_rate = BitRate::mbps(10);
  p.clamp_target = true;
  return p;
}

// base^n by squaring: std::pow may round differently from one processor to the next.
double power(double base, std::int64_t n) {
  double result = 1.0;
  for (; n > 0; n >>= 1, base *= base)
    if ((n & 1) != 0) result *= base;
  return result;
}

// Settings of the ns-3 RDMA models at 100 Gbps (HPCC artefact and its descendants).
DcqcnParams ns3() {
  DcqcnParams p;
  p.gain = 1.0 / 256;
  p.increase_bytes = Bytes(0);
  p.additive_step = BitRate::mbps(20);
  p.hyper_step = BitRate::mbps(200);
  p.min_rate = BitRate::mbps(1000);
  p.early_start = false;
  return p;
}

/// One flow's sender. Invariants after every call: min_rate <= rate <= line rate, 0 <= alpha <= 1.
/// Timers are caught up lazily: between two calls nothing outside can see the rate.
class Dcqcn final : public CongestionControl {
 public:
  Dcqcn(BitRate line_rate, const DcqcnParams& params)
      : params_(params),
        line_bps_(line_rate.bps()),
        current_bps_(line_rate.bps()),
        target_bps_(line_rate.bps()) {}

  void on_sent(SimTime now, std::uint32_t wire_bytes) override {
    if (!throttled_ || params_.increase_bytes.count() == 0) return;
    catch_up(now);
    sent_since_increase_ += wire_bytes;
    if (sent_since_increase_ < params_.increase_bytes.count()) return;
    sent_since_increase_ = 0;
    ++byte_rounds_;
    increase();
  }
  void on_ack(SimTime, const AckInfo&) override {}
  void on_loss(SimTime) override {}
  void on_cnp(SimTime now) override;
  BitRate rate(SimTime now) override {
    if (throttled_) catch_up(now);
    return BitRate::bps(current_bps_);
  }
  SimTime next_start(SimTime start, std::uint32_t wire_bytes, SimTime at_rate) const override;
  Bytes window(SimTime now) override {
    if (params_.window == Bytes(0)) return Bytes(INT64_MAX);
    if (!params_.variable_window) return params_.window;
    return window_at(params_.window, rate(now).bps(), line_bps_);
  }

 private:
  void catch_up(SimTime now);
  void catch_up_alpha(SimTime until);
  void decrease(SimTime at);
  void timed_increase(SimTime now);
  void increase();

  const DcqcnParams& params_;
  std::int64_t line_bps_, current_bps_, target_bps_;  // -, [R_C], [R_T]
  double alpha_ = 1.0;
  SimTime next_alpha_, next_decrease_, next_increase_ = SimTime::never();
  std::int64_t sent_since_increase_ = 0;
  std::uint32_t timer_rounds_ = 0, byte_rounds_ = 0;
  bool throttled_ = false;  // a CNP has ever come: before that no timer runs
  bool cnp_for_alpha_ = false, cnp_for_decrease_ = false;
};

void Dcqcn::on_cnp(SimTime now) {
  if (!throttled_) {
    throttled_ = true;
    next_alpha_ = now + params_.alpha_timer;
    next_decrease_ = now + params_.decrease_timer;
    cnp_for_decrease_ = true;
    return;
  }
  catch_up(now);
  catch_up_alpha(now);
  cnp_for_alpha_ = true;
  if (cnp_for_decrease_) return;
  cnp_for_decrease_ = true;
  if (next_decrease_ <= now) {  // periods without a notification did nothing
    const std::int64_t missed = (now - next_decrease_) / params_.decrease_timer + 1;
    next_decrease_ += params_.decrease_timer * missed;
  }
}

// alpha <- (1 - g) alpha + g * [CNP in this period], once per period that ended by `until`.
void Dcqcn::catch_up_alpha(SimTime until) {
  if (next_alpha_ > until) return;
  const std::int64_t periods = (until - next_alpha_) / params_.alpha_timer + 1;
  alpha_ = (1 - params_.gain) * alpha_ + (cnp_for_alpha_ ? params_.gain : 0.0);
  cnp_for_alpha_ = false;
  if (periods > 1) alpha_ *= power(1 - params_.gain, periods - 1);
  next_alpha_ += params_.alpha_timer * periods;
}

void Dcqcn::catch_up(SimTime now) {
  for (;;) {
    const bool may_decrease = cnp_for_decrease_ && next_decrease_ <= now;
    if (may_decrease && next_decrease_ <= next_increase_) {
      decrease(next_decrease_);
    } else if (next_increase_ <= now) {
      timed_increase(now);
    } else {
      return;
    }
  }
}

void Dcqcn::decrease(SimTime at) {
  catch_up_alpha(at);
  const bool recovering = timer_rounds_ == 0 && byte_rounds_ == 0;
  if (params_.clamp_target || !recovering) target_bps_ = current_bps_;
  const double cut = static_cast<double>(current_bps_) * (1 - alpha_ / 2);
  const std::int64_t floor = std::min(params_.min_rate.bps(), line_bps_);
  current_bps_ = std::max(floor, static_cast<std::int64_t>(cut));
  timer_rounds_ = byte_rounds_ = 0;
  sent_since_increase_ = 0;
  cnp_for_decrease_ = false;
  next_decrease_ = at + params_.decrease_timer;
  next_increase_ = at + params_.increase_timer;
}

// One round, or all rounds up to `now` at once when the rate has reached its end: after a long
// pause of the flow there may be millions.
void Dcqcn::timed_increase(SimTime now) {
  const std::int64_t current = current_bps_, target = target_bps_;
  next_increase_ += params_.increase_timer;
  ++timer_rounds_;
  increase();
  const bool settled = current == current_bps_ && target == target_bps_ && target == line_bps_;
  if (!settled || next_increase_ > now || cnp_for_decrease_) return;
  const std::int64_t rounds = (now - next_increase_) / params_.increase_timer + 1;
  next_increase_ += params_.increase_timer * rounds;
  const std::int64_t limit = INT32_MAX;  // far above any number of recovery rounds
  timer_rounds_ = static_cast<std::uint32_t>(std::min(limit, timer_rounds_ + rounds));
}

// The bits of one packet trickle away at a rate that timers change; further notifications do not
// move the packet. At 1 Mbps, where deep cuts end, one gap is 33 ms, but the rate has doubled many
// times by then.
SimTime Dcqcn::next_start(SimTime start, std::uint32_t wire_bytes, SimTime at_rate) const {
  constexpr int kMostChanges = 1000;  // a rate that hardly rises: near enough to the end
  const auto next_change = [](const Dcqcn& state) {
    return state.cnp_for_decrease_ ? std::min(state.next_decrease_, state.next_increase_)
                                   : state.next_increase_;
  };
  if (!params_.early_start || !throttled_ || at_rate <= next_change(*this)) return at_rate;
  constexpr std::int64_t kBitPsPerByte = 8'000'000'000'000;
  std::int64_t left = kBitPsPerByte * wire_bytes;
  SimTime now = start;
  Dcqcn ahead = *this;
  for (int i = 0;; ++i) {
    const Duration needed = Duration::ps((left + ahead.current_bps_ - 1) / ahead.current_bps_);
    const SimTime change = next_change(ahead);
    if (now + needed <= change || i == kMostChanges) return now + needed;
    left -= (change - now).ps() * ahead.current_bps_;
    now = change;
    ahead.catch_up(now);
  }
}

// Fast recovery, then additive, then hyper increase. With a byte counter the two round counters
// decide as in the paper; without one the timer's rounds alone do.
void Dcqcn::increase() {
  const auto recovery = static_cast<std::uint32_t>(params_.fast_recovery_rounds);
  std::uint32_t least = std::min(timer_rounds_, byte_rounds_);
  const std::uint32_t most = std::max(timer_rounds_, byte_rounds_);
  if (params_.increase_bytes.count() == 0) least = timer_rounds_ - 1;
  const bool in_recovery =
      params_.increase_bytes.count() == 0 ? timer_rounds_ <= recovery : most < recovery;
  if (!in_recovery) {
    const BitRate step = least > recovery ? params_.hyper_step : params_.additive_step;
    target_bps_ = std::min(line_bps_, target_bps_ + step.bps());
  }
  current_bps_ = std::min(line_bps_, current_bps_ / 2 + target_bps_ / 2);
}

const std::vector<Preset<DcqcnParams>>& presets() {
  static const std::vector<Preset<DcqcnParams>> kAll = {
      {{"connectx", "what ConnectX NICs ship with", "mlxconfig dumps, docs/models/dcqcn.md"}, {}},
      {{"paper", "the published algorithm's settings", "Zhu et al., SIGCOMM 2015"}, paper()},
      {{"ns3", "the ns-3 RDMA models at 100 Gbps", "HPCC artefact"}, ns3()}};
  return kAll;
}

}  // namespace

DcqcnParams dcqcn_preset(std::string_view name) { return find_preset("DCQCN", presets(), name); }

void describe(ParamVisitor& v, DcqcnParams& p) {
  take_preset(v, presets(), p);
  const Range<Duration> timer{Duration::ns(100), Duration::s(1)};
  const Range<BitRate> rate{BitRate::bps(1), BitRate::gbps(10'000)};
  v.field({"gain", "g: weight of a new sample of alpha", "ConnectX DCE_TCP_G 1019 of 1024"}, p.gain,
          {1e-6, 1.0});
  v.field({"alpha_timer", "period of the update of alpha", "ConnectX DCE_TCP_RTT 1 us"},
          p.alpha_timer, timer);
  v.field({"decrease_timer", "at most one rate cut per period",
           "ConnectX RATE_REDUCE_MONITOR_PERIOD 4 us"},
          p.decrease_timer, timer);
  v.field({"increase_timer", "period of timed rate increases", "ConnectX RPG_TIME_RESET 300 us"},
          p.increase_timer, timer);
  v.field({"increase_bytes", "bytes sent per counted rate increase; 0B: timer only",
           "ConnectX RPG_BYTE_RESET 32767, read as units of 64 B (unconfirmed)"},
          p.increase_bytes, {Bytes(0), Bytes::gibi(64)});
  v.field({"fast_recovery_rounds", "F: increases that only halve the distance to the target",
           "ConnectX RPG_THRESHOLD 1"},
          p.fast_recovery_rounds, {1, 100});
  v.field({"additive_step", "R_AI: added to the target rate per round", "ConnectX RPG_AI_RATE 5"},
          p.additive_step, rate);
  v.field({"hyper_step", "R_HAI: added per round in hyper increase", "ConnectX RPG_HAI_RATE 50"},
          p.hyper_step, rate);
  v.field({"min_rate", "rate below which no cut goes", "ConnectX RPG_MIN_RATE 1"}, p.min_rate,
          rate);
  v.field({"early_start",
           "a rate that rises while a packet waits for its turn shortens the wait; false: the gap "
           "stays as booked",
           "a rate limiter follows its rate; the ns-3 RDMA models book the gap"},
          p.early_start);
  v.field({"clamp_target", "a cut in recovery round 0 lowers the target rate too",
           "ConnectX CLAMP_TGT_RATE False"},
          p.clamp_target);
  v.field({"window", "bytes in flight at line rate; 0B: no window",
           "the paper has none; the HPCC artefact compares DCQCN with one"},
          p.window, {Bytes(0), Bytes::gibi(1)});
  v.field({"variable_window", "the window shrinks with the rate", "HPCC artefact, VAR_WIN"},
          p.variable_window);
}

std::unique_ptr<CongestionControl> make_dcqcn(const PathInfo& path, const DcqcnParams& params) {
  return std::make_unique<Dcqcn>(path.line_rate, params);
}

}  // namespace plait
