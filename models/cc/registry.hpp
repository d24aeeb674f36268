// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file registry.hpp
/// Every congestion control by name. A new one: its pair of files, one enumerator, one line in each
/// function of registry.cpp, its test and its page in docs/models/.

#include <memory>

#include "models/cc/congestion_control.hpp"
#include "models/cc/dcqcn.hpp"
#include "models/cc/dctcp.hpp"
#include "models/cc/hpcc.hpp"
#include "models/cc/swift.hpp"
#include "models/cc/timely.hpp"
#include "models/cc/window_only.hpp"

namespace plait {

enum class CcKind : std::uint8_t { kNone, kDcqcn, kDctcp, kHpcc, kTimely, kSwift };

struct CcParams {
  CcKind kind = CcKind::kDcqcn;
  WindowOnlyParams none;
  DcqcnParams dcqcn;
  DctcpParams dctcp;
  TimelyParams timely;
  HpccParams hpcc;
  SwiftParams swift;
};

/// Describes `kind` and the parameters of the chosen kind only.
void describe(ParamVisitor& visitor, CcParams& params);

CongestionControlNeeds needs_of(const CcParams& params);

/// @param params must outlive the result.
std::unique_ptr<CongestionControl> make_congestion_control(const PathInfo& path,
                                                           const CcParams& params);

}  // namespace plait
