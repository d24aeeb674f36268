// SPDX-License-Identifier: Apache-2.0
#include "models/serving/batch_scheduler.hpp"

#include <algorithm>
#include <utility>

namespace plait {

BatchScheduler::BatchScheduler(PoolRole role, const PoolParams& pool, bool chunked,
                               std::span<const InferenceRequest> requests, std::size_t expected)
    : role_(role), pool_(pool), chunked_(chunked), requests_(requests), expected_(expected) {}

std::optional<BatchScheduler::Batch> BatchScheduler::next() {
  Batch batch;
  kv_used_ -= std::exchange(kv_to_free_, 0);  // of those that ended with the step before
  if (role_ == PoolRole::kDecode) {
    while (!waiting_.empty() && admits(waiting_.front(), running_.size())) {
      running_.push_back({waiting_.front(), 1});  // prefill made the first token
      kv_used_ += facts(waiting_.front()).prompt_tokens + facts(waiting_.front()).output_tokens;
      waiting_.pop_front();
    }
    add_decodes(batch);
  } else if (chunked_) {
    add_decodes(batch);
    add_chunks(batch);
  } else {
    add_prompts(batch);
    if (batch.work.tokens == 0) add_decodes(batch);
  }
  if (batch.work.tokens == 0) return std::nullopt;
  batch.last = done_ == expected_;
  return batch;
}

// Whether another sequence fits beside `in_batch` others.
bool BatchScheduler::admits(std::uint32_t request, std::size_t in_batch) const {
  if (in_batch >= static_cast<std::size_t>(pool_.max_batch)) return false;
  const std::int64_t tokens = facts(request).prompt_tokens + facts(request).output_tokens;
  return pool_.kv_tokens == 0 || kv_used_ + tokens <= pool_.kv_tokens;
}

// Prompts in order of arrival, the first one from where it was cut, up to the limit of tokens.
void BatchScheduler::add_chunks(Batch& batch) {
  auto sequences = static_cast<std::size_t>(batch.work.tokens);  // that decode
  while (!waiting_.empty()) {
    const std::int64_t prompt = facts(waiting_.front()).prompt_tokens;
    const std::int64_t room = pool_.max_batch_tokens - batch.work.tokens;
    const std::int64_t count = std::min(room, prompt - front_done_);
    if (count <= 0 || !admits(waiting_.front(), sequences)) return;
    batch.work.add_prompt(front_done_, count, front_done_ + count == prompt);
    front_done_ += count;
    ++sequences;
    if (front_done_ < prompt) return;
    complete_prompt(batch);
  }
}

// Whole prompts; one that is longer than the limit goes alone.
void BatchScheduler::add_prompts(Batch& batch) {
  for (std::size_t sequences = running_.size(); !waiting_.empty(); ++sequences) {
    const std::int64_t prompt = facts(waiting_.front()).prompt_tokens;
    const bool fits =
        batch.work.tokens == 0 || batch.work.tokens + prompt <= pool_.max_batch_tokens;
    if (!fits || !admits(waiting_.front(), sequences)) return;
    batch.work.add_prompt(0, prompt, true);
    complete_prompt(batch);
  }
}

void BatchScheduler::complete_prompt(Batch& batch) {
  const std::uint32_t request = waiting_.front();
  waiting_.pop_front();
  front_done_ = 0;
  batch.first_tokens.push_back(request);
  if (facts(request).output_tokens == 1) {
    batch.ended.push_back(request);
    ++done_;
  } else if (role_ == PoolRole::kPrefill) {
    ++done_;  // goes on elsewhere
  } else {
    running_.push_back({request, 1});
    kv_used_ += facts(request).prompt_tokens + facts(request).output_tokens;
  }
}

void BatchScheduler::add_decodes(Batch& batch) {
  for (Running& running : running_) {
    batch.work.add_decode(facts(running.request).prompt_tokens + running.generated);
    if (++running.generated == facts(running.request).output_tokens) end(batch, running.request);
  }
  std::erase_if(running_, [&](const Running& running) {
    return running.generated == facts(running.request).output_tokens;
  });
}

void BatchScheduler::end(Batch& batch, std::uint32_t request) {
  batch.ended.push_back(request);
  ++done_;
  kv_to_free_ += facts(request).prompt_tokens + facts(request).output_tokens;
}

}  // namespace plait
