// SPDX-License-Identifier: Apache-2.0
#include "models/storage/storage_server.hpp"

#include <algorithm>

#include "models/gpu.hpp"
#include "sim/check.hpp"

namespace plait {

StorageServer::StorageServer(std::shared_ptr<StorageContext> context, std::uint32_t server)
    : context_(std::move(context)),
      server_(server),
      clock_(context_->job, RankId(context_->first_rank.index() + server), context_->gpu[server]),
      copies_(context_->copies[context_->previous(server)].reader()),
      confirmed_(context_->confirmed[context_->next(server)].reader()) {
  record_.job = context_->job;
  record_.rank = RankId(context_->first_rank.index() + server);
  record_.gpu = context_->gpu[server];
}

void StorageServer::on_start(SimTime now, HostServices& host) {
  host_ = &host;
  clock_.start(now);
}

void StorageServer::on_delivered(SimTime now, const MessageKey& key, Bytes size) {
  // With two servers the next is also the one before, so the stream decides first.
  if (context_->clients.contains({key.from, key.stream})) return from_client(now, key, size);
  if (key.stream == kConfirmStream) return settle(now, confirmed_.take());
  const StorageContext::Copy copy = copies_.take();
  Pending what;
  what.is_copy = true;
  what.of_sender = copy.pending;
  what.reply = {key.to, key.from, kConfirmStream};
  write(now, size, what, copy.more);
}

void StorageServer::from_client(SimTime now, const MessageKey& key, Bytes size) {
  const StorageContext::Client& client = context_->clients.at({key.from, key.stream});
  const MessageKey reply{key.to, key.from, key.stream};
  if (client.access == StorageAccess::kRead) {
    const std::uint64_t count = requests_[{key.from, key.stream}]++;
    return enqueue(
        now, {StorageAccess::kRead, piece_of(client, count), reply, 0, !client.background, now});
  }
  Pending what;
  what.reply = reply;
  what.awaited = !client.background;
  write(now, size, what, params().replicas - 1);
}

// Requests to this server come in the order of the client's pieces: the k-th is k rounds after its
// first. See StorageClientOps::transfer().
Bytes StorageServer::piece_of(const StorageContext::Client& client, std::uint64_t count) const {
  const auto servers = static_cast<std::uint64_t>(params().servers);
  const std::uint64_t role = (server_ + servers - client.number % servers) % servers;
  const auto pieces = static_cast<std::uint64_t>(params().pieces(params().read.bytes));
  return params().piece_size(params().read.bytes,
                             static_cast<std::int64_t>((count * servers + role) % pieces));
}

void StorageServer::write(SimTime now, Bytes size, const Pending& what, std::int64_t more) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(pending_.size());
    pending_.push_back(what);
  } else {
    index = free_.back();
    free_.pop_back();
    pending_[index] = what;
  }
  pending_[index].missing = more > 0 ? 2 : 1;
  if (more > 0) {
    context_->copies[server_].append({index, more - 1});
    send(now, {context_->gpu[server_], context_->gpu[context_->next(server_)], kCopyStream}, size,
         false);
  }
  enqueue(now, {StorageAccess::kWrite, size, {}, index, what.awaited, now});
}

void StorageServer::enqueue(SimTime now, const Work& work) {
  record_.first = std::min(record_.first, now);
  disk_.push_back(work);
  if (disk_.size() == 1) start_next(now);
}

void StorageServer::start_next(SimTime now) {
  const Work& work = disk_.front();
  record_.longest_wait = std::max(record_.longest_wait, now - work.arrival);
  clock_.open(now, Activity::kCompute);
  const Duration time = slowed(params().service_time(work.access, work.size), host_->slowdown(now));
  record_.disk_busy += time;
  host_->call_at(now + time, clock_.gpu(), 0);
}

void StorageServer::on_timer(SimTime now, std::uint64_t) {
  const Work work = disk_.front();
  disk_.pop_front();
  clock_.close(now, Activity::kCompute);
  ++record_.pieces;
  record_.last = now;
  (work.access == StorageAccess::kRead ? record_.read : record_.written) += work.size;
  if (!disk_.empty()) start_next(now);
  if (work.access == StorageAccess::kRead)
    send(now, work.reply, work.size, work.awaited);
  else
    settle(now, work.pending);
}

// A write is acknowledged when all that it needs has happened.
void StorageServer::settle(SimTime now, std::uint32_t index) {
  PLAIT_CHECK_LT(index, pending_.size());
  if (--pending_[index].missing > 0) return;
  const Pending done = pending_[index];
  free_.push_back(index);
  if (done.is_copy) context_->confirmed[server_].append(done.of_sender);
  send(now, done.reply, params().control_size, done.awaited);
}

void StorageServer::send(SimTime now, const MessageKey& key, Bytes size, bool awaited) {
  clock_.open(now, Activity::kCommunication);
  host_->send(now, key, size, awaited ? 1 : 0);
}

void StorageServer::on_sent(SimTime now, std::uint64_t token) {
  answered_ += token;
  clock_.close(now, Activity::kCommunication);
}

// Jobs in the background may keep it busy for ever.
bool StorageServer::finished() const {
  return clock_.started() && answered_ == context_->expected[server_];
}

RankRecord StorageServer::record_until(SimTime cut) const {
  return clock_.record_until(cut, finished());
}

}  // namespace plait
