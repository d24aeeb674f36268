// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/stage_ops.hpp"

#include <cmath>
#include <utility>

#include "workloads/llm/kernel_work.hpp"

namespace plait {

namespace {

StageStream stream_of(GroupRole group) {
  switch (group) {
    case GroupRole::kTensor:
      return StageStream::kTensor;
    case GroupRole::kContext:
      return StageStream::kContextSend;
    case GroupRole::kExpert:
      return StageStream::kExpert;
    case GroupRole::kAll:
    case GroupRole::kData:
    case GroupRole::kExpertData:
    case GroupRole::kModel:
    case GroupRole::kEmbedding:
      return StageStream::kData;
  }
  return StageStream::kData;
}

Op collective_op(CollectiveKind kind, GroupRole group, Bytes size) {
  Op op;
  op.kind = OpKind::kCollective;
  op.collective = kind;
  op.group = GroupId(static_cast<std::size_t>(group));
  op.size = size;
  op.stream = static_cast<std::uint32_t>(stream_of(group));
  return op;
}

}  // namespace

Bytes whole_bytes(double bytes) { return Bytes(static_cast<std::int64_t>(std::ceil(bytes))); }

void append(StageOps::Ids& ids, const StageOps::Ids& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

StageOps::Id StageOps::add(const Op& op, std::string_view name, const Ids& needs) {
  builder_.add(op, name, next_, needs);
  return next_++;
}

void StageOps::compute(std::string_view name, const std::vector<Kernel>& kernels) {
  if (kernels.empty()) return;
  auto found = known_.find(name);
  if (found == known_.end())
    found = known_
                .try_emplace(std::string(name),
                             KernelSum{builder_.add_kernels(kernels), total_flops(kernels),
                                       total_memory_bytes(kernels)})
                .first;
  Op op;
  op.kernels = found->second.list;
  op.flops = found->second.flops;
  op.memory_bytes = found->second.memory_bytes;
  const auto time = times_.find(name);
  if (time != times_.end()) op.duration = time->second;
  after = {add(op, name, after)};
}

StageOps::Ids StageOps::collective_beside(CollectiveKind kind, GroupRole group, double bytes,
                                          std::string_view name, const Ids& needs) {
  if (size(group) < 2) return {};
  return {add(collective_op(kind, group, whole_bytes(bytes)), name, needs)};
}

void StageOps::collective(CollectiveKind kind, GroupRole group, double bytes,
                          std::string_view name) {
  const Ids made = collective_beside(kind, group, bytes, name, after);
  if (!made.empty()) after = made;
}

void StageOps::uneven_all_to_all(std::uint32_t matrix, Bytes mean, std::string_view name) {
  Op op = collective_op(CollectiveKind::kAllToAll, GroupRole::kExpert, mean);
  op.matrix = matrix;
  after = {add(op, name, after)};
}

StageOps::Id StageOps::message(OpKind kind, PeerRole peer, double bytes, std::uint32_t tag,
                               StageStream stream, std::string_view name, const Ids& needs) {
  Op op;
  op.kind = kind;
  op.peer = RankId(static_cast<std::size_t>(peer));
  op.size = whole_bytes(bytes);
  op.tag = tag;
  op.stream = static_cast<std::uint32_t>(stream);
  return add(op, name, needs);
}

StageOps::Id StageOps::send(PeerRole to, double bytes, std::uint32_t tag, StageStream stream,
                            std::string_view name, const Ids& needs) {
  return message(OpKind::kSend, to, bytes, tag, stream, name, needs);
}

StageOps::Id StageOps::recv(PeerRole from, double bytes, std::uint32_t tag, StageStream stream,
                            std::string_view name, const Ids& needs) {
  return message(OpKind::kRecv, from, bytes, tag, stream, name, needs);
}

void StageOps::write(Duration duration, std::string_view name) {
  Op op;
  op.device = Device::kCpu;
  op.duration = duration;
  after = {add(op, name, after)};
}

}  // namespace plait
