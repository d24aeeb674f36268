// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file laws.hpp
/// Random sizes and times of requests, drawn from keyed streams (sim/random.hpp).

#include <cstdint>

#include "sim/params.hpp"
#include "sim/random.hpp"
#include "sim/units.hpp"

namespace plait {

enum class Law : std::uint8_t {
  kFixed,
  kUniform,      ///< Whole numbers from 1 to 2 * mean - 1.
  kExponential,  ///< Rounded up, so 1 at least.
};

/// Sizes in bytes.
struct SizeLaw {
  Law kind = Law::kFixed;
  Bytes mean = Bytes::kilo(1);
  Bytes draw(RandomStream& random) const;
};

/// The largest mean of a CountLaw: ten times the longest context of a published model, the 1
/// million tokens of Gemini 1.5 (arXiv 2403.05530).
constexpr std::int64_t kMaxCount = 10'000'000;

/// Counts, for example of tokens.
struct CountLaw {
  Law kind = Law::kFixed;
  std::int64_t mean = 1;
  std::int64_t draw(RandomStream& random) const;
};

/// Times; 0 is a legal mean.
struct TimeLaw {
  Law kind = Law::kFixed;
  Duration mean{};
  Duration draw(RandomStream& random) const;
};

/// The mean in hand is the default.
void describe(ParamVisitor& visitor, SizeLaw& law);
void describe(ParamVisitor& visitor, CountLaw& law);
void describe(ParamVisitor& visitor, TimeLaw& law);

/// Mean gap between `per_second` events. @pre per_second > 0. @throws UserError above 106 days.
Duration mean_gap(double per_second);

}  // namespace plait
