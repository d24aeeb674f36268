// SPDX-License-Identifier: Apache-2.0
#include "workloads/requests/laws.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::string_view kOurs = "Plait's choice";
// The means in describe() stay below 2^40, 2^62 / 2^40 times the mean never occurs.
std::int64_t draw(Law kind, std::int64_t mean, RandomStream& random) {
  switch (kind) {
    case Law::kFixed:
      break;
    case Law::kUniform:
      return 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * mean - 1)));
    case Law::kExponential:
      return std::max<std::int64_t>(
          1, std::llround(std::ceil(random.exponential() * static_cast<double>(mean))));
  }
  return mean;
}

void describe_kind(ParamVisitor& visitor, Law& kind) {
  visitor.choice({"kind", "how values spread about the mean", kOurs}, kind,
                 {{"fixed", "every value is the mean"},
                  {"uniform", "from 1 to twice the mean less 1"},
                  {"exponential", "rounded up"}});
}

}  // namespace

Bytes SizeLaw::draw(RandomStream& random) const {
  return Bytes(plait::draw(kind, mean.count(), random));
}

std::int64_t CountLaw::draw(RandomStream& random) const { return plait::draw(kind, mean, random); }

Duration TimeLaw::draw(RandomStream& random) const {
  if (mean == Duration{}) return {};
  return Duration::ps(plait::draw(kind, mean.ps(), random));
}

void describe(ParamVisitor& visitor, SizeLaw& law) {
  describe_kind(visitor, law.kind);
  visitor.field({"mean", "mean size", kOurs}, law.mean, {Bytes(1), Bytes::gibi(64)});
}

void describe(ParamVisitor& visitor, CountLaw& law) {
  describe_kind(visitor, law.kind);
  visitor.field({"mean", "mean number", kOurs}, law.mean, {1, kMaxCount});
}

void describe(ParamVisitor& visitor, TimeLaw& law) {
  describe_kind(visitor, law.kind);
  visitor.field({"mean", "mean time", kOurs}, law.mean, {Duration{}, Duration::s(3'600)});
}

Duration mean_gap(double per_second) {
  const double ps = std::nearbyint(1e12 / per_second);
  if (!(ps < 9.2e18)) throw UserError("so few a second exceed the range of simulated time");
  return Duration::ps(static_cast<std::int64_t>(ps));
}

}  // namespace plait
