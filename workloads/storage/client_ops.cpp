// SPDX-License-Identifier: Apache-2.0
#include "workloads/storage/client_ops.hpp"

#include <fmt/format.h>

#include <string>

#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::int64_t kMostPieces = 2'000'000;  // of a client; each is two ops of 80 bytes
// Marks must not wait for each other as ops of one in-order stream do.
constexpr std::uint32_t kMarkStream = 1;

}  // namespace

// The window holds for each server: piece n waits for the reply to the piece that went there
// in_flight before it. So the pieces of one server are sent, and answered, in the order of their
// numbers, and the server knows by counting which one a request means.
StorageClientOps::Ids StorageClientOps::transfer(StorageAccess access, Bytes bytes,
                                                 const Ids& needs) {
  const bool writes = access == StorageAccess::kWrite;
  std::vector<Id>& replies = replies_[static_cast<std::size_t>(access)];
  const auto servers = static_cast<std::size_t>(params_.servers);
  const std::size_t window = servers * static_cast<std::size_t>(params_.in_flight);
  const std::int64_t before = static_cast<std::int64_t>(replies.size());
  if (params_.pieces(bytes) > kMostPieces - before)
    throw UserError(
        fmt::format("storage: a client moves more than {} pieces of {}; raise stripe, or lower the "
                    "bytes or the number of operations",
                    kMostPieces, to_string(params_.stripe)));
  Ids made;
  for (std::int64_t piece = 0; piece < params_.pieces(bytes); ++piece) {
    Ids after = needs;
    if (replies.size() >= window) after.push_back(replies[replies.size() - window]);
    const Bytes size = params_.piece_size(bytes, piece);
    Op op;
    op.peer = RankId(first_role_ + replies.size() % servers);
    op.tag = storage_tag(access);
    op.in_order = false;
    op.kind = OpKind::kSend;
    op.size = writes ? size : params_.control_size;
    add_(op, writes ? "storage_write" : "storage_read_request", after);
    op.kind = OpKind::kRecv;
    op.size = writes ? params_.control_size : size;
    made.push_back(add_(op, writes ? "storage_written" : "storage_read", after));
    replies.push_back(made.back());
  }
  return made;
}

StorageClientOps::Id StorageClientOps::mark(std::string_view kind, std::string_view what,
                                            Bytes bytes, const Ids& needs) {
  Op op;
  op.device = Device::kCpu;
  op.stream = kMarkStream;
  op.in_order = false;
  op.size = bytes;
  return add_(op, std::string(kind) + std::string(what), needs);
}

}  // namespace plait
