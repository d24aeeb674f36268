// SPDX-License-Identifier: Apache-2.0
// What is in a step: by hand, and invariants on random requests.
#include <catch2/catch.hpp>

#include "models/serving/batch_scheduler.hpp"

namespace plait {
namespace {

using Ids = std::vector<std::uint32_t>;

InferenceRequest asks(std::int64_t prompt, std::int64_t output) { return {{}, prompt, output}; }

PoolParams pool(std::int64_t max_batch, std::int64_t max_tokens, std::int64_t kv = 0) {
  PoolParams params;
  params.max_batch = max_batch;
  params.max_batch_tokens = max_tokens;
  params.kv_tokens = kv;
  return params;
}

}  // namespace

TEST_CASE("a prefill pool takes whole prompts in order", "[serving]") {
  const std::vector<InferenceRequest> requests = {asks(600, 5), asks(300, 1), asks(200, 5),
                                                  asks(2000, 5)};
  BatchScheduler scheduler(PoolRole::kPrefill, pool(8, 1000), false, requests, 4);
  CHECK_FALSE(scheduler.next());
  for (const std::uint32_t r : {0U, 1U, 2U, 3U}) scheduler.arrive(r);
  const auto one = scheduler.next().value();  // 600 + 300; 200 more are too many
  CHECK(one.work.tokens == 900);
  CHECK(one.work.outputs == 2);
  CHECK(one.work.pairs == 600 * 601 / 2.0 + 300 * 301 / 2.0);
  CHECK(one.work.context == 900);
  CHECK(one.first_tokens == Ids{0, 1});
  CHECK(one.ended == Ids{1});  // one token is all it wants
  CHECK_FALSE(one.last);
  CHECK(scheduler.next()->first_tokens == Ids{2});
  const auto three = scheduler.next().value();  // longer than the limit: alone
  CHECK(three.work.tokens == 2000);
  CHECK(three.last);
  CHECK_FALSE(scheduler.next());
}

TEST_CASE("a chunked prefill fills every step", "[serving]") {
  const std::vector<InferenceRequest> requests = {asks(1500, 3), asks(700, 1)};
  BatchScheduler scheduler(PoolRole::kBoth, pool(8, 1000), true, requests, 2);
  scheduler.arrive(0);
  scheduler.arrive(1);
  const auto one = scheduler.next().value();
  CHECK(one.work.tokens == 1000);
  CHECK(one.work.outputs == 0);
  CHECK(one.first_tokens.empty());
  const auto two = scheduler.next().value();  // the other 500, and 500 of the second prompt
  CHECK(two.work.tokens == 1000);
  CHECK(two.work.pairs == 500 * 1000.0 + 500 * 501 / 2.0 + 500 * 501 / 2.0);
  CHECK(two.work.context == 1500 + 500);
  CHECK(two.first_tokens == Ids{0});
  const auto three =
      scheduler.next().value();  // one decode token at position 1501, 200 of a prompt
  CHECK(three.work.tokens == 201);
  CHECK(three.work.pairs == 1501 + 200 * 500.0 + 200 * 201 / 2.0);
  CHECK(three.first_tokens == Ids{1});
  CHECK(three.ended == Ids{1});
  const auto four = scheduler.next().value();  // the third and last token of request 0
  CHECK(four.work.tokens == 1);
  CHECK(four.work.context == 1502);
  CHECK(four.ended == Ids{0});
  CHECK(four.last);
}

TEST_CASE("a decode pool makes a token a step for everyone who fits", "[serving]") {
  const std::vector<InferenceRequest> requests = {asks(10, 3), asks(20, 2), asks(30, 2)};
  SECTION("two at a time") {
    BatchScheduler scheduler(PoolRole::kDecode, pool(2, 1000), false, requests, 3);
    for (const std::uint32_t r : {0U, 1U, 2U}) scheduler.arrive(r);
    const auto one = scheduler.next().value();
    CHECK(one.work.context == 11 + 21);  // the prompt and the token that prefill made
    CHECK(one.ended == Ids{1});
    CHECK(scheduler.next()->ended == Ids{0, 2});
    CHECK_FALSE(scheduler.next());
  }
  SECTION("as the KV cache holds: 13 + 22 tokens, not 32 more") {
    BatchScheduler scheduler(PoolRole::kDecode, pool(8, 1000, 40), false, requests, 3);
    for (const std::uint32_t r : {0U, 1U, 2U}) scheduler.arrive(r);
    CHECK(scheduler.next()->work.tokens == 2);
    CHECK(scheduler.next()->work.tokens == 1);  // request 1 has left 22, request 0 still holds 13
    const auto last = scheduler.next().value();
    CHECK(last.ended == Ids{2});
    CHECK(last.last);
  }
}

TEST_CASE("every request ends once and computes its tokens, whatever comes", "[serving]") {
  for (const std::uint32_t seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    for (const bool chunked : {false, true}) {
      CAPTURE(seed, chunked);
      RandomStream random(seed, 0, 0);
      std::vector<InferenceRequest> requests;
      std::int64_t prompts = 0, outputs = 0;
      for (int i = 0; i < 60; ++i) {
        requests.push_back(asks(1 + static_cast<std::int64_t>(random.below(900)),
                                1 + static_cast<std::int64_t>(random.below(20))));
        prompts += requests.back().prompt_tokens;
        outputs += requests.back().output_tokens;
      }
      BatchScheduler scheduler(PoolRole::kBoth, pool(5, 700, 3000), chunked, requests, 60);
      std::vector<int> ended(60), first(60);
      std::uint32_t arrived = 0;
      std::int64_t tokens = 0, made = 0;
      bool last = false;
      while (!last) {
        while (arrived < 60 && random.below(3) == 0) scheduler.arrive(arrived++);
        const auto batch = scheduler.next();
        if (!batch) continue;
        tokens += batch->work.tokens;
        made += batch->work.outputs;
        CHECK(batch->work.outputs <= 5);
        if (chunked) CHECK(batch->work.tokens <= 700);
        for (const std::uint32_t r : batch->first_tokens) ++first[r];
        for (const std::uint32_t r : batch->ended) {
          ++ended[r];
          CHECK(first[r] == 1);
        }
        last = batch->last;
      }
      CHECK(ended == std::vector<int>(60, 1));
      CHECK(first == std::vector<int>(60, 1));
      CHECK(made == outputs);
      CHECK(tokens == prompts + outputs - 60);  // the last token of each is never fed back
    }
  }
}

}  // namespace plait
