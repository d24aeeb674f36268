// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file storage_context.hpp
/// What all servers of a storage job know, and the numbering of their messages. Nobody changes it
/// but for the logs, whose rules are in models/message_log.hpp.

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "models/host_services.hpp"
#include "models/message_log.hpp"
#include "workloads/storage/storage.hpp"

namespace plait {

struct StorageContext {
  /// Who sends under one (GPU, stream) to the servers.
  struct Client {
    StorageAccess access = StorageAccess::kWrite;
    std::uint32_t number = 0;  ///< Among the clients of its job.
    bool background = false;   ///< The run does not wait for it.
  };
  /// A piece on its way along the servers that keep a copy.
  struct Copy {
    std::uint32_t pending = 0;  ///< Of the server that sent it.
    std::int64_t more = 0;      ///< Copies that the receiver has to pass on.
  };

  StorageContext(JobId id, const StorageParams& storage, RankId first, std::vector<GpuId> gpus)
      : job(id),
        params(storage),
        first_rank(first),
        gpu(std::move(gpus)),
        copies(gpu.size()),
        confirmed(gpu.size()),
        expected(gpu.size()) {}

  const JobId job;
  const StorageParams params;
  const RankId first_rank;       ///< Of server 0 in the job.
  const std::vector<GpuId> gpu;  ///< By server.
  std::map<std::pair<GpuId, std::uint32_t>, Client> clients;
  std::vector<MessageLog<Copy>> copies;              ///< From each server to the next.
  std::vector<MessageLog<std::uint32_t>> confirmed;  ///< To the one before: Copy::pending.
  /// By server: pieces of jobs for which the run waits.
  std::vector<std::uint64_t> expected;

  std::uint32_t next(std::uint32_t server) const {
    return (server + 1) % static_cast<std::uint32_t>(gpu.size());
  }
  std::uint32_t previous(std::uint32_t server) const {
    const auto count = static_cast<std::uint32_t>(gpu.size());
    return (server + count - 1) % count;
  }
};

/// Streams between servers; no client has a GPU of theirs.
constexpr std::uint32_t kCopyStream = 0;
constexpr std::uint32_t kConfirmStream = 1;

}  // namespace plait
