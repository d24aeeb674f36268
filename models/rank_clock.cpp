// SPDX-License-Identifier: Apache-2.0
#include "models/rank_clock.hpp"

#include <algorithm>

namespace plait {

RankClock::RankClock(JobId job, RankId rank, GpuId gpu) {
  record_.job = job;
  record_.rank = rank;
  record_.gpu = gpu;
}

void RankClock::start(SimTime now) {
  started_ = true;
  record_.start = record_.end = last_change_ = now;
}

void RankClock::open(SimTime now, Activity activity) {
  account(now);
  ++open_[static_cast<std::size_t>(activity)];
}

void RankClock::close(SimTime now, Activity activity) {
  account(now);
  --open_[static_cast<std::size_t>(activity)];
  record_.end = now;
}

void RankClock::account(SimTime now) {
  add_span(record_, now - last_change_);
  last_change_ = now;
}

void RankClock::add_span(RankRecord& record, Duration span) const {
  const auto [compute, communication] = open_;
  if (compute > 0) {
    record.compute += span;
    if (communication > 0) record.overlapped_communication += span;
  } else {
    (communication > 0 ? record.exposed_communication : record.idle) += span;
  }
}

RankRecord RankClock::record_until(SimTime cut, bool finished) const {
  RankRecord record = record_;
  record.finished = finished;
  if (finished) return record;
  if (!started_) {  // its job starts later
    record.start = record.end = cut;
    return record;
  }
  record.end = std::max(cut, last_change_);
  add_span(record, record.end - last_change_);
  return record;
}

}  // namespace plait
