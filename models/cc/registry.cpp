// SPDX-License-Identifier: Apache-2.0
#include "models/cc/registry.hpp"

#include "sim/check.hpp"

namespace plait {

void describe(ParamVisitor& v, CcParams& p) {
  v.choice({"kind", "congestion control of every flow", "RoCEv2 deployments run DCQCN"}, p.kind,
           {{"none", "line rate and a fixed window"},
            {"dcqcn", "rate cut by congestion notifications", "Zhu et al., SIGCOMM 2015"}});
  switch (p.kind) {
    case CcKind::kNone:
      return describe(v, p.none);
    case CcKind::kDcqcn:
      return describe(v, p.dcqcn);
  }
}

CongestionControlNeeds needs_of(const CcParams& params) {
  switch (params.kind) {
    case CcKind::kNone:
    case CcKind::kDcqcn:
      return {};
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
  }
  PLAIT_CHECK(false, "unknown congestion control kind");
  return nullptr;
}

}  // namespace plait
