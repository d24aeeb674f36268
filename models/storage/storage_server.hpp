// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file storage_server.hpp
/// A storage server: pieces wait in order of arrival for one disk, whoever sent them. What is
/// written is passed on to the next server as soon as it is there, and acknowledged when it is on
/// this disk and on those behind it. Docs: docs/storage.md.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "models/rank_clock.hpp"
#include "models/request_process.hpp"
#include "models/storage/storage_context.hpp"

namespace plait {

/// Owned and called by the host of its GPU, on one thread. The only one that appends to the logs
/// with its number.
class StorageServer final : public RequestProcess {
 public:
  StorageServer(std::shared_ptr<StorageContext> context, std::uint32_t server);

  void on_start(SimTime now, HostServices& host) override;
  void on_timer(SimTime now, std::uint64_t token) override;
  void on_sent(SimTime now, std::uint64_t token) override;
  void on_delivered(SimTime now, const MessageKey& key, Bytes size) override;
  bool finished() const override;

  RankRecord record_until(SimTime cut) const override;
  void collect(std::vector<RequestRecord>&) const override {}
  std::uint64_t requests_ended() const override { return 0; }
  const StorageServerRecord& record() const { return record_; }

 private:
  struct Work {  // for the disk
    StorageAccess access = StorageAccess::kWrite;
    Bytes size{};
    MessageKey reply;           // to a client; of a copy, to the server before
    std::uint32_t pending = 0;  // writes: index into pending_
    bool awaited = false;       // the run waits for the client
    SimTime arrival{};
  };
  struct Pending {    // a piece that is being written
    int missing = 0;  // of: this disk, the servers behind
    MessageKey reply;
    bool is_copy = false;
    bool awaited = false;
    std::uint32_t of_sender = 0;  // of a copy: Copy::pending
  };

  const StorageParams& params() const { return context_->params; }
  void from_client(SimTime now, const MessageKey& key, Bytes size);
  void write(SimTime now, Bytes size, const Pending& what, std::int64_t more);
  void enqueue(SimTime now, const Work& work);
  void start_next(SimTime now);
  void settle(SimTime now, std::uint32_t pending);
  void send(SimTime now, const MessageKey& key, Bytes size, bool awaited);
  Bytes piece_of(const StorageContext::Client& client, std::uint64_t count) const;

  std::shared_ptr<StorageContext> context_;
  std::uint32_t server_;
  HostServices* host_ = nullptr;
  RankClock clock_;
  StorageServerRecord record_;
  MessageLog<StorageContext::Copy>::Reader copies_;
  MessageLog<std::uint32_t>::Reader confirmed_;
  std::map<std::pair<GpuId, std::uint32_t>, std::uint64_t> requests_;  // by client and stream
  std::deque<Work> disk_;                                              // the first is being done
  std::vector<Pending> pending_;
  std::vector<std::uint32_t> free_;  // of pending_
  std::uint64_t answered_ = 0;       // of expected, and acknowledged
};

}  // namespace plait
