// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective_run.hpp
/// One rank's part in one running collective call: takes the steps of the schedule as messages
/// arrive, delays each by its software time, posts it, and knows when all is done.
///
/// Senders do not wait for the receiver, so messages of a call may come before the rank joins it.
/// Keys are FIFO and calls of a group run one after another, so counts tell them apart.

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "models/host_services.hpp"
#include "models/job_context.hpp"
#include "workloads/collectives/collective.hpp"

namespace plait {

/// Messages of one collective key (sender and stream) that came to a rank.
struct CollectiveInbox {
  std::uint64_t arrived = 0;
  std::uint64_t consumed = 0;  ///< By calls that have ended.
  std::uint64_t expected = 0;  ///< By the running call, 0 if there is none.

  std::uint64_t of_this_call() const { return arrived - consumed; }
};

class CollectiveRun {
 public:
  /// Inbox of the key (position in the group, channel); the reference stays valid.
  using FindInbox = std::function<CollectiveInbox&(std::uint32_t from, std::uint32_t channel)>;

  /// Joins: from now on arrivals count. `schedule` is of `rank`'s position in `group`.
  /// @param group  outlives the run.
  CollectiveRun(const JobContext& job, RankId rank, const JobGroup& group,
                const CollectiveChoice& choice, std::unique_ptr<CollectiveSchedule> schedule,
                const FindInbox& find_inbox);

  /// The first steps become ready. @param timer_token, send_token for the HostServices; the timer's
  /// has the channel added in its bits 32 and up.
  void launch(SimTime now, HostServices& host, std::uint64_t timer_token, std::uint64_t send_token);
  void on_timer(SimTime now, HostServices& host, std::uint32_t channel);
  void on_sent() { --sends_open_; }
  /// A message of `channel` has arrived and is counted in `inbox`.
  void on_delivered(SimTime now, HostServices& host, std::uint32_t channel,
                    const CollectiveInbox& inbox);

  bool launched() const { return launched_; }
  bool finished() const {
    return launched_ && steps_left_ == 0 && sends_open_ == 0 && receives_left_ == 0;
  }
  /// Hands this call's messages over as consumed. @pre finished().
  void close();

  /// Positions from which messages are missing, ascending.
  std::vector<std::uint32_t> silent_peers() const;
  std::uint64_t sends_open() const { return sends_open_; }

 private:
  struct Source {
    CollectiveSource source;
    CollectiveInbox* inbox;
    std::pair<std::uint32_t, std::uint32_t> place() const { return {source.from, source.channel}; }
  };
  struct Post {
    SimTime at;
    std::uint32_t to;  // kNoPeer: only work ends
    Bytes size;
    StepMode mode;
  };
  struct Channel {
    std::uint32_t next = 0;           // first step that is not ready
    std::uint32_t count = 0;          // of steps
    CollectiveStep step;              // the schedule's step `next`
    CollectiveInbox* gate = nullptr;  // what `step` waits for
    std::vector<Post> posts;          // ready, in order; those before post_head are posted
    std::size_t post_head = 0;
    bool armed = false;  // a timer is set

    bool is_due(SimTime now) const {
      return post_head < posts.size() && posts[post_head].at <= now;
    }
  };

  CollectiveInbox* inbox_of(std::uint32_t from, std::uint32_t channel) const;
  Duration software_time(std::uint32_t to) const;
  void load(std::uint32_t channel);
  void advance(SimTime now, HostServices& host, std::uint32_t channel);
  void make_ready(SimTime now, std::uint32_t channel);
  void flush(SimTime now, HostServices& host, std::uint32_t channel);
  void take_turns(SimTime now, HostServices& host);
  void post_next(SimTime now, HostServices& host, std::uint32_t channel);
  void send(SimTime now, HostServices& host, std::uint32_t channel, const Post& post) const;
  RankId member(std::uint32_t position) const { return group_->ranks[position]; }

  const JobContext* job_;
  RankId rank_;
  const JobGroup* group_;
  CollectiveChoice choice_;
  std::unique_ptr<CollectiveSchedule> schedule_;
  std::vector<Source> sources_;  // by position, then channel
  std::vector<Channel> channels_;
  std::uint64_t timer_token_ = 0, send_token_ = 0;
  std::uint64_t steps_left_ = 0, sends_open_ = 0, receives_left_ = 0;
  bool launched_ = false;
  bool waits_across_ = false;  // some step waits for messages of another channel
};

}  // namespace plait
