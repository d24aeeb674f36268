// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/layer_ops.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace plait {

namespace {

constexpr double kActivation = 2;  // bytes of a value

std::string named(std::string_view part, bool forward) {
  return std::string(part) + (forward ? "_forward" : "_backward");
}

// Bytes that one rank sends to the experts, its own included.
double dispatch_bytes(const TrainingParams& p) {
  const double split = p.sequence_parallel ? static_cast<double>(p.tensor_parallel) : 1;
  return kActivation * p.tokens() / split * static_cast<double>(p.model.active_experts) *
         static_cast<double>(p.model.hidden_size);
}

// Of the busiest rank or of the others, over the mean.
double expert_load(const TrainingParams& p, bool busy) {
  if (busy || p.expert_parallel == 1) return p.expert_imbalance;
  const auto ranks = static_cast<double>(p.expert_parallel);
  return (ranks - p.expert_imbalance) / (ranks - 1);
}

}  // namespace

ExpertMatrices expert_matrices(const TrainingParams& p) {
  ExpertMatrices result;
  if (p.expert_imbalance == 1) return result;
  const auto ranks = static_cast<std::uint32_t>(p.expert_parallel);
  const double mean = dispatch_bytes(p) / ranks;
  std::vector<Bytes> to, back;
  for (std::uint32_t i = 0; i < ranks; ++i)
    to.push_back(whole_bytes(mean * expert_load(p, i == 0)));
  for (const Bytes size : to) back.insert(back.end(), ranks, size);
  result.matrices.push_back(std::make_shared<const ByteMatrix>(ranks, std::move(to)));
  result.matrices.push_back(std::make_shared<const ByteMatrix>(ranks, std::move(back)));
  return result;
}

LayerOps::LayerOps(const TrainingParams& params, const ModelWork& work,
                   const ExpertMatrices& experts, bool busy, StageOps& ops)
    : p_(params),
      work_(work),
      matrices_(experts),
      busy_(busy),
      ops_(ops),
      activation_(kActivation * params.tokens() * static_cast<double>(params.model.hidden_size)) {}

std::vector<Kernel> LayerOps::kernels(const PartWork& work, Direction direction,
                                      bool recomputed) const {
  if (direction == Direction::kForward) return work.forward;
  std::vector<Kernel> result = recomputed ? work.forward : std::vector<Kernel>{};
  result.insert(result.end(), work.backward.begin(), work.backward.end());
  return result;
}

// Megatron's operators f and g. Without sequence parallelism one all-reduce ends the part. With it
// an all-gather begins it and a reduce-scatter ends it; backward, the part's own input is gathered
// again beside its compute, for the gradient of its weights (Korthikanti et al., section 4.2.2).
template <class Body>
void LayerOps::split_part(Direction direction, Body body) {
  if (p_.tensor_parallel == 1) return body();
  const double share = activation_ / static_cast<double>(p_.tensor_parallel);
  const StageOps::Ids start = ops_.after;
  const auto collective = [&](CollectiveKind kind, double bytes, std::string_view name,
                              const StageOps::Ids& needs) {
    return ops_.collective_beside(kind, GroupRole::kTensor, bytes, name, needs);
  };
  if (p_.sequence_parallel) {
    const StageOps::Ids gathered =
        collective(CollectiveKind::kAllGather, share, "tensor_all_gather", start);
    if (!p_.overlap_tensor) ops_.after = gathered;
    if (direction == Direction::kBackward)
      collective(CollectiveKind::kAllGather, share, "tensor_all_gather", start);
  }
  body();
  const CollectiveKind last =
      p_.sequence_parallel ? CollectiveKind::kReduceScatter : CollectiveKind::kAllReduce;
  const std::string_view name =
      p_.sequence_parallel ? "tensor_reduce_scatter" : "tensor_all_reduce";
  const StageOps::Ids reduced =
      collective(last, activation_, name, p_.overlap_tensor ? start : ops_.after);
  if (!p_.overlap_tensor) ops_.after.clear();
  append(ops_.after, reduced);
}

void LayerOps::forward(const ModelUnit& unit) {
  switch (unit.kind) {
    case ModelUnit::Kind::kEmbedding:
      ops_.compute("embedding_forward", work_.embedding.forward);
      ops_.collective(
          p_.sequence_parallel ? CollectiveKind::kReduceScatter : CollectiveKind::kAllReduce,
          GroupRole::kTensor, activation_, "embedding_reduce");
      return;
    case ModelUnit::Kind::kLayer:
      attention(Direction::kForward);
      if (p_.model.has_experts(unit.layer)) return experts(Direction::kForward);
      return ffn(Direction::kForward);
    case ModelUnit::Kind::kOutput:
      if (p_.sequence_parallel)
        ops_.collective(CollectiveKind::kAllGather, GroupRole::kTensor,
                        activation_ / static_cast<double>(p_.tensor_parallel), "output_all_gather");
      ops_.compute("output_forward", work_.output.forward);
      // Maximum, target's logit and sum of the exponentials, 4 bytes of each token.
      ops_.collective(CollectiveKind::kAllReduce, GroupRole::kTensor, 12 * p_.tokens(),
                      "loss_all_reduce");
      return;
  }
}

void LayerOps::backward(const ModelUnit& unit) {
  switch (unit.kind) {
    case ModelUnit::Kind::kEmbedding:
      if (p_.sequence_parallel)
        ops_.collective(CollectiveKind::kAllGather, GroupRole::kTensor,
                        activation_ / static_cast<double>(p_.tensor_parallel),
                        "embedding_all_gather");
      return ops_.compute("embedding_backward", work_.embedding.backward);
    case ModelUnit::Kind::kLayer:
      if (p_.recompute == Recompute::kFull) forward(unit);
      if (p_.model.has_experts(unit.layer))
        experts(Direction::kBackward);
      else
        ffn(Direction::kBackward);
      return attention(Direction::kBackward);
    case ModelUnit::Kind::kOutput:
      ops_.compute("output_backward", work_.output.backward);
      return ops_.collective(
          p_.sequence_parallel ? CollectiveKind::kReduceScatter : CollectiveKind::kAllReduce,
          GroupRole::kTensor, activation_, "output_reduce");
  }
}

void LayerOps::attention(Direction direction) {
  split_part(direction, [&] {
    if (p_.context_parallel == 1) return attention_compute(direction);
    attention_in_parts(direction);
  });
}

void LayerOps::attention_compute(Direction direction) {
  const bool again = p_.recompute == Recompute::kSelective;
  std::vector<Kernel> all = kernels(work_.attention_in, direction);
  for (const auto& more :
       {kernels(work_.attention_core, direction, again), kernels(work_.attention_out, direction)})
    all.insert(all.end(), more.begin(), more.end());
  ops_.compute(named("attention", direction == Direction::kForward), all);
}

void LayerOps::attention_in_parts(Direction direction) {
  const bool forward = direction == Direction::kForward;
  const PartWork& first = forward ? work_.attention_in : work_.attention_out;
  const PartWork& last = forward ? work_.attention_out : work_.attention_in;
  const std::vector<Kernel> core =
      kernels(work_.attention_core, direction, p_.recompute == Recompute::kSelective);
  ops_.compute(named(forward ? "attention_in" : "attention_out", forward),
               kernels(first, direction));
  if (p_.context_exchange == ContextExchange::kAllGather)
    exchange_by_gather(direction, core);
  else
    exchange_by_ring(direction, core);
  ops_.compute(named(forward ? "attention_out" : "attention_in", forward),
               kernels(last, direction));
}

namespace {

// Keys and values of one rank's tokens. Latent attention exchanges them after their expansion.
double key_value_bytes(const TrainingParams& p) {
  const double heads =
      std::max(1.0, static_cast<double>(p.model.kv_heads) / static_cast<double>(p.tensor_parallel));
  return kActivation * p.tokens() * heads *
         static_cast<double>(p.model.head_size + p.model.value_size());
}

}  // namespace

void LayerOps::exchange_by_gather(Direction direction, const std::vector<Kernel>& core) {
  const bool forward = direction == Direction::kForward;
  const double bytes = key_value_bytes(p_);
  ops_.collective(CollectiveKind::kAllGather, GroupRole::kContext, bytes, "context_all_gather");
  ops_.compute(named("attention_core", forward), core);
  if (!forward)
    ops_.collective(CollectiveKind::kReduceScatter, GroupRole::kContext,
                    bytes * static_cast<double>(p_.context_parallel), "context_reduce_scatter");
}

// Ring attention (Liu et al., arXiv 2310.01889): in each of context_parallel - 1 steps a rank hands
// on the keys and values that it got, backward with their gradients, while it computes.
void LayerOps::exchange_by_ring(Direction direction, const std::vector<Kernel>& core) {
  const bool forward = direction == Direction::kForward;
  const double bytes = key_value_bytes(p_) * (forward ? 1 : 2);
  StageOps::Ids there = ops_.after;
  for (std::int64_t step = 1; step < p_.context_parallel; ++step) {
    ops_.send(PeerRole::kNextContext, bytes, kContextTag, StageStream::kContextSend, "context_send",
              there);
    there = {ops_.recv(PeerRole::kPreviousContext, bytes, kContextTag, StageStream::kContextRecv,
                       "context_recv", ops_.after)};
  }
  ops_.compute(named("attention_core", forward), core);
  append(ops_.after, there);
}

void LayerOps::ffn(Direction direction) {
  split_part(direction, [&] {
    ops_.compute(named("ffn", direction == Direction::kForward), kernels(work_.ffn, direction));
  });
}

void LayerOps::experts(Direction direction) {
  const bool forward = direction == Direction::kForward;
  if (forward) ops_.compute("router_forward", work_.router.forward);
  if (forward) shared(direction);
  routed(direction);
  if (!forward) shared(direction);
  if (!forward) ops_.compute("router_backward", work_.router.backward);
}

void LayerOps::shared(Direction direction) {
  if (p_.model.shared_experts == 0) return;
  split_part(direction, [&] {
    ops_.compute(named("shared_experts", direction == Direction::kForward),
                 kernels(work_.shared_experts, direction));
  });
}

// Forward: tokens to the ranks of their experts, over the tensor-parallel ranks, which share each
// expert, and all the way back. Backward their gradients go the same ways.
void LayerOps::routed(Direction direction) {
  const double got = dispatch_bytes(p_) * expert_load(p_, busy_);
  all_to_all(true);
  ops_.collective(CollectiveKind::kAllGather, GroupRole::kTensor, got, "expert_all_gather");
  ops_.compute(named("experts", direction == Direction::kForward),
               kernels(busy_ ? work_.busy_experts : work_.experts, direction));
  ops_.collective(CollectiveKind::kReduceScatter, GroupRole::kTensor,
                  got * static_cast<double>(p_.tensor_parallel), "expert_reduce_scatter");
  all_to_all(false);
}

void LayerOps::all_to_all(bool dispatch) {
  const std::string_view name = dispatch ? "expert_dispatch" : "expert_combine";
  if (matrices_.matrices.empty())
    return ops_.collective(CollectiveKind::kAllToAll, GroupRole::kExpert, dispatch_bytes(p_), name);
  const std::uint32_t matrix = dispatch ? ExpertMatrices::kDispatch : ExpertMatrices::kCombine;
  ops_.uneven_all_to_all(matrix, matrices_.matrices[matrix]->mean_sent(), name);
}

}  // namespace plait
