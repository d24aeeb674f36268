// SPDX-License-Identifier: Apache-2.0
#include "models/analytic/analytic_simulation.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "models/analytic/collective_cost.hpp"
#include "models/analytic/event_queue.hpp"
#include "models/analytic/message_costs.hpp"
#include "models/job_context.hpp"
#include "models/network_context.hpp"
#include "sim/check.hpp"
#include "sim/error.hpp"
#include "sim/fingerprint.hpp"
#include "sim/spill_sort.hpp"

namespace plait {

using Kind = AnalyticEventKind;

class AnalyticSimulation::Impl final : public HostServices {
 public:
  Impl(const FabricGraph& graph, const RouteTable& routes, const NetworkParams& params)
      : context_(graph, routes, params), messages_(context_), processes_(graph.gpu_count()) {}

  // ---- services to ranks
  void send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) override;
  void call_at(SimTime at, GpuId gpu, std::uint64_t token) override {
    events_.push(at, Kind::kTimer, gpu.value(), token);
  }
  void join_collective(SimTime now, const CollectiveJoin& join) override;

  void place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start);
  RunEnd run(const RunOptions& options);
  RunRecords records() const;
  std::size_t memory_bytes() const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::uint64_t kEventsPerProgressWindow = 64;

  struct Message {  // on its way
    MessageKey key;
    Bytes size{};
    std::uint64_t token = 0;
    std::uint32_t next_free = kNone;
  };
  struct Member {
    GpuId gpu;
    std::uint64_t token;
  };
  struct OpenGroup {              // its call that some member has joined and that has not ended
    std::vector<Member> members;  // in the order in which they joined
    GroupFlights flights;
    bool flights_known = false;
  };

  OpenGroup& open_group(JobId job, GroupId group);
  GroupFlights flights_of(const JobContext& job, const JobGroup& group);
  void dispatch(const AnalyticEvent& event);
  void end_collective(SimTime now, OpenGroup& group);
  std::uint32_t keep(const Message& message);
  void note(SimTime now, GpuId gpu);
  RunProgress progress(SimTime now) const;

  NetworkContext context_;
  MessageCosts messages_;
  AnalyticEventQueue events_;
  std::vector<std::unique_ptr<RankProcess>> processes_;  // by GPU
  std::vector<std::vector<OpenGroup>> open_;             // by job and group
  std::vector<Member> ending_;                           // members of the call that ends now
  std::vector<Message> in_flight_;
  std::uint32_t free_message_ = kNone;
  SpillVector<MessageRecord> records_;
  Fingerprint fingerprint_;
  std::size_t placed_ = 0, finished_ = 0;
  std::vector<bool> done_ = std::vector<bool>(processes_.size());
  std::uint64_t events_run_ = 0;
  SimTime last_event_{}, cut_{};
  bool ran_ = false, has_background_ = false;
  RunEnd end_ = RunEnd::kFinished;
};

void AnalyticSimulation::Impl::send(SimTime now, const MessageKey& key, Bytes size,
                                    std::uint64_t token) {
  const MessageCosts::Times times = messages_.send(now, key, size);
  const std::uint32_t id = keep({key, size, token});
  events_.push(times.delivered, Kind::kDelivered, id, 0);
  events_.push(times.acked, Kind::kAcked, id, 0);
  if (!context_.params.record_messages) return;
  MessageRecord record;
  record.from = key.from;
  record.to = key.to;
  record.stream = key.stream;
  record.size = size;
  record.posted = now;
  record.delivered = times.delivered;
  record.acked = times.acked;
  record.ideal = times.ideal;
  records_.push_back(record);
}

std::uint32_t AnalyticSimulation::Impl::keep(const Message& message) {
  if (free_message_ == kNone) {
    in_flight_.push_back(message);
    return static_cast<std::uint32_t>(in_flight_.size() - 1);
  }
  const std::uint32_t id = free_message_;
  free_message_ = in_flight_[id].next_free;
  in_flight_[id] = message;
  return id;
}

AnalyticSimulation::Impl::OpenGroup& AnalyticSimulation::Impl::open_group(JobId job,
                                                                          GroupId group) {
  if (job.index() >= open_.size()) open_.resize(job.index() + 1);
  std::vector<OpenGroup>& of_job = open_[job.index()];
  if (group.index() >= of_job.size()) of_job.resize(group.index() + 1);
  return of_job[group.index()];
}

// A rank joins one call of a group at a time, so all that wait here wait for the same call.
void AnalyticSimulation::Impl::join_collective(SimTime now, const CollectiveJoin& join) {
  const JobContext& job = *join.job;
  const JobGroup& group = job.group(join.group);
  OpenGroup& open = open_group(job.id(), join.group);
  open.members.push_back({join.gpu, join.token});
  if (open.members.size() < group.ranks.size()) return;
  if (!open.flights_known) {
    open.flights = flights_of(job, group);
    open.flights_known = true;
  }
  const Duration cost = collective_cost(job, group, *join.op, open.flights);
  events_.push(now + cost, Kind::kCollectiveEnd, job.id().value(), join.group.value());
}

// Of a pair on one host and of a pair on two, as all hosts are alike.
GroupFlights AnalyticSimulation::Impl::flights_of(const JobContext& job, const JobGroup& group) {
  GroupFlights flights;
  const auto& hosts = group.choices->layout().hosts;
  const auto gpu = [&](std::uint32_t position) { return job.gpu(group.ranks[position]); };
  for (const auto& host : hosts)
    if (host.size() > 1 && flights.intra == Duration{})
      flights.intra = messages_.ideal(gpu(host[0]), gpu(host[1]), Bytes{});
  if (hosts.size() > 1)
    flights.inter = messages_.ideal(gpu(hosts[0][0]), gpu(hosts[1][0]), Bytes{});
  return flights;
}

void AnalyticSimulation::Impl::end_collective(SimTime now, OpenGroup& group) {
  ending_.swap(group.members);  // they may join the next call at once
  for (const Member& member : ending_) {
    processes_[member.gpu.index()]->on_timer(now, member.token);
    note(now, member.gpu);
  }
  ending_.clear();
}

void AnalyticSimulation::Impl::dispatch(const AnalyticEvent& event) {
  const SimTime now = event.time;
  switch (event.kind) {
    case Kind::kStart:
      processes_[event.target]->on_start(now, *this);
      return note(now, GpuId(event.target));
    case Kind::kTimer:
      processes_[event.target]->on_timer(now, event.token);
      return note(now, GpuId(event.target));
    case Kind::kDelivered: {
      const Message message = in_flight_[event.target];
      RankProcess* receiver = processes_[message.key.to.index()].get();
      if (receiver == nullptr) return;
      receiver->on_delivered(now, message.key, message.size);
      return note(now, message.key.to);
    }
    case Kind::kAcked: {
      const Message message = in_flight_[event.target];
      in_flight_[event.target].next_free = free_message_;
      free_message_ = event.target;
      processes_[message.key.from.index()]->on_sent(now, message.token);
      return note(now, message.key.from);
    }
    case Kind::kCollectiveEnd:
      return end_collective(now, open_[event.target][event.token]);
  }
}

// Something happened to the rank on `gpu`: it goes into the fingerprint, and may have been its end.
void AnalyticSimulation::Impl::note(SimTime now, GpuId gpu) {
  fingerprint_.add(static_cast<std::uint64_t>(now.ps()));
  fingerprint_.add(gpu.value());
  last_event_ = now;
  if (done_[gpu.index()] || !processes_[gpu.index()]->finished()) return;
  done_[gpu.index()] = true;
  ++finished_;
}

void AnalyticSimulation::Impl::place(GpuId gpu, std::unique_ptr<RankProcess> process,
                                     SimTime start) {
  PLAIT_CHECK(processes_[gpu.index()] == nullptr, "two processes on one GPU");
  const bool background = process->background();
  const bool has_background = process->has_background();
  processes_[gpu.index()] = std::move(process);
  // One that nobody waits for counts as done from the beginning.
  done_[gpu.index()] = background;
  has_background_ |= has_background;
  placed_ += !background;
  events_.push(start, Kind::kStart, gpu.value(), 0);
}

RunProgress AnalyticSimulation::Impl::progress(SimTime now) const {
  RunProgress progress;
  progress.now = now;
  progress.events = events_run_;
  progress.ranks = placed_;
  progress.ranks_finished = finished_;
  return progress;
}

RunEnd AnalyticSimulation::Impl::run(const RunOptions& options) {
  PLAIT_CHECK(!ran_, "a simulation runs once");
  ran_ = true;
  const std::uint64_t progress_events = options.progress_windows * kEventsPerProgressWindow;
  end_ = RunEnd::kFinished;
  while (!events_.empty() && end_ == RunEnd::kFinished) {
    const SimTime next = events_.next_time();
    if (next >= options.until) {
      cut_ = options.until;
      if (finished_ < placed_) end_ = RunEnd::kTimeLimit;
      return end_;
    }
    dispatch(events_.pop());
    if (has_background_ && finished_ == placed_) return end_;
    if (++events_run_ % progress_events != 0 || !options.progress) continue;
    if (!options.progress(progress(next))) {
      end_ = RunEnd::kStopped;
      cut_ = next;
    }
  }
  if (end_ == RunEnd::kFinished && finished_ < placed_) {
    end_ = RunEnd::kDeadlock;
    cut_ = last_event_;
  }
  return end_;
}

RunRecords AnalyticSimulation::Impl::records() const {
  RunRecords records;
  records.links.resize(context_.graph.port_count());
  records.totals.end = end_ == RunEnd::kFinished ? last_event_ : cut_;
  records.totals.fingerprint = fingerprint_.combine(EntityId(0));
  records.messages = records_;
  for (MessageRecord& message : records.messages) {
    if (message.delivered > records.totals.end) message.delivered = SimTime::never();
    if (message.acked > records.totals.end) message.acked = SimTime::never();
  }
  spill_stable_sort(records.messages, [](const MessageRecord& a, const MessageRecord& b) {
    return std::tie(a.posted, a.from, a.to, a.stream) < std::tie(b.posted, b.from, b.to, b.stream);
  });
  return records;
}

std::size_t AnalyticSimulation::Impl::memory_bytes() const {
  std::size_t sum = sizeof(*this) + context_.routes.memory_bytes() + messages_.memory_bytes() +
                    events_.memory_bytes() + in_flight_.capacity() * sizeof(Message) +
                    records_.capacity() * sizeof(MessageRecord);
  for (const auto& of_job : open_) {
    sum += of_job.capacity() * sizeof(OpenGroup);
    for (const OpenGroup& group : of_job) sum += group.members.capacity() * sizeof(Member);
  }
  return sum;
}

AnalyticSimulation::AnalyticSimulation(const FabricGraph& graph, const RouteTable& routes,
                                       const NetworkParams& params) {
  if (!params.faults.empty())
    throw UserError(
        "run.fidelity: analytic has no packets that a fault could meet; remove the list of "
        "faults, or use fidelity packet");
  impl_ = std::make_unique<Impl>(graph, routes, params);
}

AnalyticSimulation::~AnalyticSimulation() = default;

void AnalyticSimulation::place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start) {
  impl_->place(gpu, std::move(process), start);
}
RunEnd AnalyticSimulation::run(const RunOptions& options) { return impl_->run(options); }
RunRecords AnalyticSimulation::records() const { return impl_->records(); }
std::size_t AnalyticSimulation::memory_bytes() const { return impl_->memory_bytes(); }

}  // namespace plait
