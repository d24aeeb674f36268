// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/stage_graph.hpp"

#include <fmt/format.h>

#include <cmath>

namespace plait {

namespace {

double number(std::int64_t n) { return static_cast<double>(n); }

// Of activations (forward) or gradients that enter `part` of the receiving stage.
std::uint32_t stage_tag(bool forward, std::int64_t part) {
  return kFirstStageTag + static_cast<std::uint32_t>(2 * part) + (forward ? 0 : 1);
}

}  // namespace

StageGraph::StageGraph(const TrainingParams& params, const RankMesh& mesh, const ModelWork& work,
                       const ExpertMatrices& experts, const KernelTimes& times,
                       const StorageParams* storage, std::int64_t stage, bool busy)
    : p_(params), stage_(stage), ops_(mesh, times), layers_(params, work, experts, busy, ops_) {
  for (std::int64_t part = 0; part < p_.virtual_stages; ++part)
    units_.push_back(part_units(p_, stage, part));
  if (storage != nullptr)
    storage_.emplace(*storage, kPeerRoles,
                     [this](const Op& op, std::string_view name, const StageOps::Ids& needs) {
                       return ops_.add(op, name, needs);
                     });
}

OpGraph StageGraph::build() && {
  for (std::int64_t i = 0; i < p_.iterations; ++i) iteration(i);
  return std::move(ops_).build(fmt::format("generate, pipeline stage {}", stage_));
}

bool StageGraph::is_last(std::int64_t part) const {
  return stage_ + 1 == p_.pipeline_parallel && part + 1 == p_.virtual_stages;
}

void StageGraph::iteration(std::int64_t number) {
  for (const PipelineStep& step : pipeline_steps(p_, stage_))
    step.forward ? forward(step) : backward(step);
  finish_gradients();
  step_optimizer();
  gather_parameters();
  if (p_.checkpoint_every > 0 && (number + 1) % p_.checkpoint_every == 0) checkpoint();
}

void StageGraph::forward(const PipelineStep& step) {
  if (!is_first(step.part)) receive(step);
  const auto& units = this->units(step.part);
  for (std::size_t i = 0; i < units.size(); ++i) {
    gather_ahead(step.part, i, i + 1 < units.size() ? 1 : 0);
    wait_for_parameters({step.part, i});
    layers_.forward(units[i]);
  }
  if (!is_last(step.part)) hand_on(step);
}

void StageGraph::backward(const PipelineStep& step) {
  if (!is_last(step.part)) receive(step);
  const auto& units = this->units(step.part);
  for (std::size_t i = units.size(); i-- > 0;) {
    gather_ahead(step.part, i, i > 0 ? -1 : 0);
    wait_for_parameters({step.part, i});
    layers_.backward(units[i]);
    reduce_after(step, units[i]);
  }
  if (!is_first(step.part)) hand_on(step);
}

// Piece v * stages + s of the model gets activations from the piece before it, gradients from the
// one after it; these are on the neighbouring stages, round the ring.
void StageGraph::receive(const PipelineStep& step) {
  const PeerRole from = step.forward ? PeerRole::kPreviousStage : PeerRole::kNextStage;
  const StageStream stream = step.forward ? StageStream::kRecvForward : StageStream::kRecvBackward;
  const bool split = p_.scatter_gather || p_.sequence_parallel;
  const double bytes = layers_.activation_bytes() / (split ? number(p_.tensor_parallel) : 1);
  const auto tag = stage_tag(step.forward, step.part);
  ops_.after = {ops_.recv(from, bytes, tag, stream,
                          step.forward ? "pipeline_recv_forward" : "pipeline_recv_backward",
                          ops_.after)};
  if (p_.scatter_gather)
    ops_.collective(CollectiveKind::kAllGather, GroupRole::kTensor, bytes, "pipeline_all_gather");
}

void StageGraph::hand_on(const PipelineStep& step) {
  const bool forward = step.forward;
  const PeerRole to = forward ? PeerRole::kNextStage : PeerRole::kPreviousStage;
  const bool around = forward ? stage_ + 1 == p_.pipeline_parallel : stage_ == 0;
  const std::int64_t part = step.part + (around ? (forward ? 1 : -1) : 0);
  const bool split = p_.scatter_gather || p_.sequence_parallel;
  const double bytes = layers_.activation_bytes() / (split ? number(p_.tensor_parallel) : 1);
  const StageOps::Id sent =
      ops_.send(to, bytes, stage_tag(forward, part),
                forward ? StageStream::kSendForward : StageStream::kSendBackward,
                forward ? "pipeline_send_forward" : "pipeline_send_backward", ops_.after);
  if (!p_.overlap_pipeline) ops_.after.push_back(sent);
}

StageOps::Ids StageGraph::gather(const ModelUnit& unit, const StageOps::Ids& needs) {
  const RankParams params = unit_params(p_, unit);
  const auto one = [&](GroupRole group, double held) {
    if (held == 0) return StageOps::Ids{};
    return ops_.collective_beside(CollectiveKind::kAllGather, group,
                                  2 * held / number(ops_.size(group)), "parameter_all_gather",
                                  needs);
  };
  StageOps::Ids made = one(GroupRole::kData, params.dense);
  append(made, one(GroupRole::kExpertData, params.experts));
  return made;
}

StageOps::Ids StageGraph::reduce(const ModelUnit& unit, const StageOps::Ids& needs) {
  const RankParams params = unit_params(p_, unit);
  const bool scatter = p_.zero_stage > 0;
  const auto one = [&](GroupRole group, double held) {
    if (held == 0) return StageOps::Ids{};
    return ops_.collective_beside(
        scatter ? CollectiveKind::kReduceScatter : CollectiveKind::kAllReduce, group,
        p_.gradient_bytes() * held, scatter ? "gradient_reduce_scatter" : "gradient_all_reduce",
        needs);
  };
  StageOps::Ids made = one(GroupRole::kData, params.dense);
  append(made, one(GroupRole::kExpertData, params.experts));
  return made;
}

// ZeRO 3: the parameters of each unit are gathered before each of its uses, with overlap_data while
// the unit before it runs.
void StageGraph::gather_ahead(std::int64_t part, std::size_t position, std::int64_t next) {
  if (p_.zero_stage < 3) return;
  const UnitKey key{part, position};
  if (!gathered_.contains(key)) gathered_[key] = gather(units(part)[position], ops_.after);
  if (!p_.overlap_data || next == 0) return;
  const std::size_t ahead = next > 0 ? position + 1 : position - 1;
  gathered_[{part, ahead}] = gather(units(part)[ahead], ops_.after);
}

void StageGraph::wait_for_parameters(const UnitKey& key) {
  const auto found = gathered_.find(key);
  if (found == gathered_.end()) return;
  append(ops_.after, found->second);
  gathered_.erase(found);
}

// ZeRO 2 and 3 keep no whole gradients, so each micro-batch's are reduced at once; else those of
// all micro-batches are added up first.
void StageGraph::reduce_after(const PipelineStep& step, const ModelUnit& unit) {
  const bool is_last = step.micro_batch + 1 == p_.micro_batches();
  if (p_.zero_stage < 2 && (!is_last || !p_.overlap_data)) return;
  const StageOps::Ids made = reduce(unit, ops_.after);
  append(p_.overlap_data ? reducing_ : ops_.after, made);
}

void StageGraph::finish_gradients() {
  if (p_.zero_stage < 2 && !p_.overlap_data)
    for (std::int64_t part = p_.virtual_stages; part-- > 0;)
      for (std::size_t i = units(part).size(); i-- > 0;)
        append(reducing_, reduce(units(part)[i], ops_.after));
  append(ops_.after, reducing_);
  reducing_.clear();
  const bool inner = stage_ > 0 && stage_ + 1 < p_.pipeline_parallel;
  if (p_.model.tied_embeddings && p_.pipeline_parallel > 1 && !inner)
    ops_.collective(CollectiveKind::kAllReduce, GroupRole::kEmbedding,
                    p_.gradient_bytes() * number(p_.model.vocabulary * p_.model.hidden_size) /
                        number(p_.tensor_parallel),
                    "embedding_all_reduce");
}

// Adam reads gradients, reads and writes master copy and two moments in fp32, writes bf16.
void StageGraph::step_optimizer() {
  const RankParams held = stage_params(p_, stage_);
  const double own = p_.zero_stage > 0 ? split_over_copies(p_, held) : held.dense + held.experts;
  if (p_.gradient_clipping) {
    ops_.compute("gradient_norm", {{KernelClass::kMemory, 0, p_.gradient_bytes() * own}});
    const bool copies_differ = p_.zero_stage > 0 || p_.model.experts > 0;
    ops_.collective(CollectiveKind::kAllReduce, copies_differ ? GroupRole::kAll : GroupRole::kModel,
                    4, "norm_all_reduce");
  }
  ops_.compute("optimizer", {{KernelClass::kMemory, 0, (p_.gradient_bytes() + 3 * 8 + 2) * own}});
}

// ZeRO 1 and 2: every rank gets the parameters that the others have stepped.
void StageGraph::gather_parameters() {
  if (p_.zero_stage < 1 || p_.zero_stage > 2) return;
  StageOps::Ids all;
  for (std::int64_t part = 0; part < p_.virtual_stages; ++part)
    for (std::size_t i = 0; i < units(part).size(); ++i) {
      const StageOps::Ids made = gather(units(part)[i], ops_.after);
      if (p_.overlap_data)
        gathered_[{part, i}] = made;
      else
        append(all, made);
    }
  append(ops_.after, all);
}

void StageGraph::checkpoint() {
  const Bytes bytes = whole_bytes(14 * split_over_copies(p_, stage_params(p_, stage_)));
  if (storage_) return checkpoint_to_storage(bytes);
  ops_.write(transmission_time(bytes, p_.checkpoint_rate), "checkpoint_write");
}

// One checkpoint at a time, as torch.distributed.checkpoint asks for: host memory holds one copy.
void StageGraph::checkpoint_to_storage(Bytes bytes) {
  const StageOps::Id begin = storage_->mark("checkpoint", "_begin", bytes, ops_.after);
  ops_.after = {begin};
  if (p_.checkpoint_async) {
    append(ops_.after, writing_);
    ops_.write(transmission_time(bytes, p_.checkpoint_copy_rate), "checkpoint_copy");
  }
  const StageOps::Ids written = storage_->transfer(StorageAccess::kWrite, bytes, ops_.after);
  const StageOps::Id end = storage_->mark("checkpoint", "_end", bytes, written);
  writing_ = {end};
  if (!p_.checkpoint_async) ops_.after = {end};
  ops_.after = {storage_->mark("checkpoint", "_resume", bytes, ops_.after)};
}

}  // namespace plait
