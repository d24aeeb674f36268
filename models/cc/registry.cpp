// SPDX-License-Identifier: Apache-2.0
#include "models/cc/registry.hpp"

#include "sim/check.hpp"

namespace plait {

void describe(ParamVisitor& v, CcParams& p) {
  v.choice(
      {"kind", "congestion control of every flow", "RoCEv2 deployments run DCQCN"}, p.kind,
      {{"none", "line rate and a fixed window"},
       {"dcqcn", "rate cut by congestion notifications", "Zhu et al., SIGCOMM 2015"},
       {"dctcp", "rate and window cut by the share of marked packets", "RFC 8257"},
       {"hpcc", "rate and window from per-hop telemetry", "Li et al., SIGCOMM 2019"},
       {"timely", "rate by the gradient of the round-trip time", "Mittal et al., SIGCOMM 2015"},
       {"swift", "window by the distance of the delay from a target",
        "Kumar et al., SIGCOMM 2020"}});
  switch (p.kind) {
    case CcKind::kNone:
      return describe(v, p.none);
    case CcKind::kDcqcn:
      return describe(v, p.dcqcn);
    case CcKind::kDctcp:
      return describe(v, p.dctcp);
    case CcKind::kTimely:
      return describe(v, p.timely);
    case CcKind::kHpcc:
      return describe(v, p.hpcc);
    case CcKind::kSwift:
      return describe(v, p.swift);
  }
}

CongestionControlNeeds needs_of(const CcParams& params) {
  switch (params.kind) {
    case CcKind::kNone:
    case CcKind::kDcqcn:
    case CcKind::kDctcp:
      return {};
    case CcKind::kTimely:
    case CcKind::kSwift:
      return {.rtt = true};
    case CcKind::kHpcc:
      return {.telemetry = true};
  }
  PLAIT_CHECK(false, "unknown congestion control kind");
  return {};
}

std::unique_ptr<CongestionControl> make_congestion_control(const PathInfo& path,
                                                           const CcParams& params) {
  switch (params.kind) {
    case CcKind::kNone:
      return make_window_only(path, params.none);
    case CcKind::kDcqcn:
      return make_dcqcn(path, params.dcqcn);
    case CcKind::kDctcp:
      return make_dctcp(path, params.dctcp);
    case CcKind::kTimely:
      return make_timely(path, params.timely);
    case CcKind::kHpcc:
      return make_hpcc(path, params.hpcc);
    case CcKind::kSwift:
      return make_swift(path, params.swift);
  }
  PLAIT_CHECK(false, "unknown congestion control kind");
  return nullptr;
}

}  // namespace plait
