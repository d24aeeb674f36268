// SPDX-License-Identifier: Apache-2.0
#include "models/visit_timer.hpp"

namespace plait {

template <class Call>
void TimedProcess::timed(const Call& call) {
  thread_local bool inside = false;  // some process of the host that this thread visits
  if (inside) {
    call();
    return;
  }
  struct Inside {
    Inside() { inside = true; }
    ~Inside() { inside = false; }  // also when the process throws
  };
  const Inside guard;
  const Stopwatch stopwatch(sum_ns_);
  call();
}

void TimedProcess::on_start(SimTime now, HostServices& host) {
  timed([&] { process_->on_start(now, host); });
}

void TimedProcess::on_timer(SimTime now, std::uint64_t token) {
  timed([&] { process_->on_timer(now, token); });
}

void TimedProcess::on_sent(SimTime now, std::uint64_t token) {
  timed([&] { process_->on_sent(now, token); });
}

void TimedProcess::on_delivered(SimTime now, const MessageKey& key, Bytes size) {
  timed([&] { process_->on_delivered(now, key, size); });
}

}  // namespace plait
