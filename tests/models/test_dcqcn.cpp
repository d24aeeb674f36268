// SPDX-License-Identifier: Apache-2.0
// DCQCN by hand. Line rate 100 Gbps; preset ns3: g = 1/256, timers 1/4/300 us, F = 1, R_AI 20 Mbps,
// R_HAI 200 Mbps, minimum 1 Gbps, no byte counter. docs/models/dcqcn.md numbers the rules.
#include <catch2/catch.hpp>

#include "models/cc/dcqcn.hpp"

namespace plait {
namespace {

DcqcnParams ns3_params() { return dcqcn_preset("ns3"); }
const PathInfo kPath{BitRate::gbps(100), Duration::us(4), Bytes(1000)};
SimTime at_us(std::int64_t us) { return SimTime::at(Duration::us(us)); }

}  // namespace

TEST_CASE("DCQCN: line rate until the first notification, cut at the next check", "[dcqcn]") {
  const DcqcnParams params = ns3_params();
  const auto cc = make_dcqcn(kPath, params);
  CHECK(cc->rate(at_us(1000)) == BitRate::gbps(100));
  cc->on_cnp(at_us(1000));
  CHECK(cc->rate(at_us(1003)) == BitRate::gbps(100));
  // At 1004 alpha has decayed four times: (255/256)^4 = 0.9844663; the rate is
  // 100 * (1 - 0.9844663 / 2) = 50.776684 Gbps.
  CHECK(cc->rate(at_us(1004)).to_gbps() == Approx(50.776684).epsilon(1e-7));
  CHECK(cc->window(at_us(1004)).count() == INT64_MAX);
}

TEST_CASE("DCQCN: recovery, additive and hyper increase", "[dcqcn]") {
  const DcqcnParams params = ns3_params();
  const auto cc = make_dcqcn(kPath, params);
  cc->on_cnp(at_us(0));
  const double cut = 50.776684;   // at 4 us, as above; the target stays 100 (no clamp, round 0)
  double rate = (cut + 100) / 2;  // 304 us: fast recovery
  CHECK(cc->rate(at_us(304)).to_gbps() == Approx(rate).epsilon(1e-7));
  rate = (rate + 100) / 2;  // 604 us: additive, but the target is capped at line rate
  CHECK(cc->rate(at_us(604)).to_gbps() == Approx(rate).epsilon(1e-7));
  rate = (rate + 100) / 2;  // 904 us: hyper, capped too
  CHECK(cc->rate(at_us(904)).to_gbps() == Approx(rate).epsilon(1e-7));
}

TEST_CASE("DCQCN: after an increase, a cut lowers the target, and the steps are seen", "[dcqcn]") {
  DcqcnParams params = ns3_params();
  params.clamp_target = true;
  const auto cc = make_dcqcn(kPath, params);
  cc->on_cnp(at_us(0));  // cut at 4 us: target 100, rate c1 = 50.776684
  cc->on_cnp(at_us(5));  // cut at 8 us: target c1, alpha: 8 decays and one sample at the 6th:
  double alpha = 1;
  for (int tick = 1; tick <= 8; ++tick) alpha = alpha * 255 / 256 + (tick == 6 ? 1.0 / 256 : 0);
  const double c1 = 50.776684, c2 = c1 * (1 - alpha / 2);
  CHECK(cc->rate(at_us(8)).to_gbps() == Approx(c2).epsilon(1e-7));
  double target = c1, rate = (c2 + target) / 2;  // 308 us: recovery
  CHECK(cc->rate(at_us(308)).to_gbps() == Approx(rate).epsilon(1e-7));
  target += 0.02;  // 608 us: additive
  rate = (rate + target) / 2;
  CHECK(cc->rate(at_us(608)).to_gbps() == Approx(rate).epsilon(1e-7));
  target += 0.2;  // 908 us: hyper
  rate = (rate + target) / 2;
  CHECK(cc->rate(at_us(908)).to_gbps() == Approx(rate).epsilon(1e-7));
}

TEST_CASE("DCQCN: the rate stays between minimum and line, however many notifications", "[dcqcn]") {
  const DcqcnParams params = ns3_params();
  const auto cc = make_dcqcn(kPath, params);
  for (std::int64_t us = 0; us < 2000; ++us) {
    cc->on_cnp(at_us(us));
    CHECK(cc->rate(at_us(us)) >= params.min_rate);
    CHECK(cc->rate(at_us(us)) <= BitRate::gbps(100));
  }
  CHECK(cc->rate(at_us(2000)) == params.min_rate);
}

TEST_CASE("DCQCN: looking often or seldom makes no difference", "[dcqcn]") {
  const DcqcnParams params = ns3_params();
  const auto often = make_dcqcn(kPath, params), seldom = make_dcqcn(kPath, params);
  for (std::int64_t us = 0; us < 5000; ++us) {
    if (us % 37 == 0 && us < 2500) {
      often->on_cnp(at_us(us));
      seldom->on_cnp(at_us(us));
    }
    static_cast<void>(often->rate(at_us(us)));
  }
  CHECK(often->rate(at_us(5000)) == seldom->rate(at_us(5000)));
}

TEST_CASE("DCQCN: notifications to one flow leave another alone", "[dcqcn]") {
  const DcqcnParams params = ns3_params();
  const auto one = make_dcqcn(kPath, params), other = make_dcqcn(kPath, params);
  one->on_cnp(at_us(0));
  CHECK(one->rate(at_us(10)) < BitRate::gbps(100));
  CHECK(other->rate(at_us(10)) == BitRate::gbps(100));
}

TEST_CASE("DCQCN: the byte counter increases too", "[dcqcn]") {
  DcqcnParams params = ns3_params();
  params.increase_bytes = Bytes(10'000);
  const auto cc = make_dcqcn(kPath, params);
  cc->on_cnp(at_us(0));
  const double cut = cc->rate(at_us(4)).to_gbps();
  for (int i = 0; i < 10; ++i) cc->on_sent(at_us(5), 1000);
  // One byte round: max(0, 1) < F = 1 does not hold, so additive: target capped at 100.
  CHECK(cc->rate(at_us(5)).to_gbps() == Approx((cut + 100) / 2).epsilon(1e-7));
}

TEST_CASE("DCQCN: a window, if asked for, follows the rate", "[dcqcn]") {
  DcqcnParams params = ns3_params();
  params.window = Bytes(52'000);
  const auto fixed = make_dcqcn(kPath, params);
  fixed->on_cnp(at_us(1000));
  CHECK(fixed->window(at_us(1004)) == Bytes(52'000));
  params.variable_window = true;
  const auto variable = make_dcqcn(kPath, params);
  CHECK(variable->window(at_us(0)) == Bytes(52'000));
  variable->on_cnp(at_us(1000));
  // The first cut leaves 50.776684 of 100 Gbps: 52,000 * 0.50776684 = 26,403.9, rounded down.
  CHECK(variable->window(at_us(1004)) == Bytes(26'403));
}

}  // namespace plait
