// SPDX-License-Identifier: Apache-2.0
#include "models/cc/window_only.hpp"

#include <algorithm>
#include <cmath>

namespace plait {

void describe(ParamVisitor& v, WindowOnlyParams& p) {
  v.field(
      {"bdp_multiple", "window as a multiple of line rate times base round-trip time; 0: no window",
       "one bandwidth-delay product keeps an unloaded path full"},
      p.bdp_multiple, {0.0, 1000.0});
}

namespace {

class WindowOnly final : public CongestionControl {
 public:
  WindowOnly(BitRate rate, Bytes window) : rate_(rate), window_(window) {}
  void on_sent(SimTime, std::uint32_t) override {}
  void on_ack(SimTime, const AckInfo&) override {}
  void on_cnp(SimTime) override {}
  void on_loss(SimTime) override {}
  BitRate rate(SimTime) override { return rate_; }
  Bytes window(SimTime) override { return window_; }

 private:
  BitRate rate_;
  Bytes window_;
};

}  // namespace

std::unique_ptr<CongestionControl> make_window_only(const PathInfo& path,
                                                    const WindowOnlyParams& params) {
  Bytes window(INT64_MAX);
  if (params.bdp_multiple > 0) {
    const double bdp = static_cast<double>(bytes_in(path.base_rtt, path.line_rate).count());
    window = std::max(path.mtu, Bytes(std::llround(bdp * params.bdp_multiple)));
  }
  return std::make_unique<WindowOnly>(path.line_rate, window);
}

}  // namespace plait
