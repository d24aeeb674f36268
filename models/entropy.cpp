// SPDX-License-Identifier: Apache-2.0
#include "models/entropy.hpp"

#include <algorithm>
#include <utility>

#include "sim/check.hpp"
#include "sim/hash.hpp"

namespace plait {

void describe(ParamVisitor& v, EntropyParams& p) {
  v.choice({"kind", "UDP source ports that the data packets of one flow take",
            "RoCEv2 NICs keep one per queue pair"},
           p.kind,
           {{"fixed", "one per queue pair"},
            {"round_robin", "a set of values in turn"},
            {"random", "a set of values at random"},
            {"reps", "values whose ACK came back unmarked are used again",
             "Bonato et al., arXiv 2407.21625"}});
  if (p.kind == EntropyKind::kFixed) return;
  v.field({"paths", "values per flow", "htsim, -paths 64"}, p.paths, {1, 1 << 14});
  if (p.kind != EntropyKind::kReps) return;
  v.field({"cache", "values remembered per flow", "REPS paper, 8"}, p.cache, {1, 1024});
  v.field({"freeze", "after a timeout only remembered values are used for at least this long",
           "Plait's choice"},
          p.freeze, {Duration::ps(0), Duration::s(1)});
}

EntropySource::EntropySource(const EntropyParams& params, std::uint16_t first, std::uint64_t seed,
                             std::uint32_t explore)
    : params_(params), seed_(seed), explore_(explore), first_(first) {
  PLAIT_CHECK(params.kind != EntropyKind::kFixed, "a fixed entropy needs no source");
}

std::uint16_t EntropySource::next() {
  switch (params_.kind) {
    case EntropyKind::kRoundRobin: {
      const std::uint16_t entropy = value(turn_);
      turn_ = turn_ + 1 == params_.paths ? 0 : turn_ + 1;
      return entropy;
    }
    case EntropyKind::kReps:
      if (explore_ == 0 && (fresh_ != 0 || (frozen_ && !remembered_.empty()))) return recycle();
      explore_ -= explore_ != 0;
      return draw();
    case EntropyKind::kRandom:
    case EntropyKind::kFixed:
      break;
  }
  return draw();
}

std::uint16_t EntropySource::draw() {
  return value(hash_below(hash64(seed_, draws_++), static_cast<std::uint32_t>(params_.paths)));
}

// The oldest value not yet used again; while frozen and none is left, all remembered ones in turn.
std::uint16_t EntropySource::recycle() {
  const auto size = static_cast<std::uint16_t>(remembered_.size());
  if (fresh_ != 0) {
    const std::uint16_t entropy = remembered_[(head_ + size - fresh_) % size];
    --fresh_;
    return entropy;
  }
  head_ = static_cast<std::uint16_t>(head_ % size);
  return remembered_[head_++];
}

void EntropySource::on_ack(std::int64_t now, std::uint16_t entropy, bool marked) {
  if (params_.kind != EntropyKind::kReps || marked) return;
  if (std::cmp_less(remembered_.size(), params_.cache)) {
    // Until it is full the ring has its head at its end.
    remembered_.push_back(entropy);
    head_ = static_cast<std::uint16_t>(remembered_.size());
  } else {
    head_ = static_cast<std::uint16_t>(head_ % remembered_.size());
    remembered_[head_++] = entropy;
  }
  fresh_ = static_cast<std::uint16_t>(std::min<std::size_t>(fresh_ + 1U, remembered_.size()));
  if (frozen_ && now >= frozen_until_ps_) {
    frozen_ = false;
    explore_ = kExploreAgain;
  }
}

void EntropySource::on_timeout(std::int64_t now) {
  if (params_.kind != EntropyKind::kReps || frozen_ || explore_ != 0) return;
  frozen_ = true;
  frozen_until_ps_ = now + params_.freeze.ps();
}

}  // namespace plait
