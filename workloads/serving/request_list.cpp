// SPDX-License-Identifier: Apache-2.0
// Inference requests, drawn or from a file.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "sim/error.hpp"
#include "workloads/csv_lines.hpp"
#include "workloads/serving/serving.hpp"

namespace plait {

namespace {

constexpr std::uint32_t kGapPurpose = 0x73727667;     // "srvg"
constexpr std::uint32_t kTokensPurpose = 0x73727674;  // "srvt"

std::int64_t tokens(std::string_view text, std::string_view column) {
  const bool digits = !text.empty() && text.size() <= 9 &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  const std::int64_t value = digits ? std::stoll(std::string(text)) : 0;
  if (value < 1 || value > kMaxCount)
    throw UserError(fmt::format("{} '{}' is not a number of tokens; legal is 1 to {}", column, text,
                                kMaxCount));
  return value;
}

InferenceRequest parse(const CsvFields& fields) {
  const InferenceRequest request{parse_duration(fields[0]), tokens(fields[1], "prompt_tokens"),
                                 tokens(fields[2], "output_tokens")};
  if (request.arrival < Duration{}) throw UserError("an arrival cannot be negative");
  return request;
}

}  // namespace

std::vector<InferenceRequest> load_requests(const std::filesystem::path& file) {
  std::vector<InferenceRequest> requests;
  for_each_csv_line(file, "arrival,prompt_tokens,output_tokens",
                    [&](const CsvFields& fields) { requests.push_back(parse(fields)); });
  if (requests.empty()) throw UserError(fmt::format("{}: no requests", file.string()));
  std::stable_sort(requests.begin(), requests.end(),
                   [](const auto& a, const auto& b) { return a.arrival < b.arrival; });
  return requests;
}

std::vector<InferenceRequest> make_requests(const RequestStreamParams& params,
                                            const std::filesystem::path& file, std::uint64_t seed) {
  if (!params.file.empty()) return load_requests(file);
  // Gaps and tokens from streams of their own: another rate leaves the requests as they are.
  RandomStream gaps(seed, 0, kGapPurpose);
  const Duration gap = mean_gap(params.per_s);
  std::vector<InferenceRequest> requests;
  Duration now;
  for (std::int64_t i = 0; i < params.count; ++i) {
    RandomStream random(seed, static_cast<std::uint32_t>(i), kTokensPurpose);
    now += gaps.exponential(gap);
    const std::int64_t prompt = params.prompt_tokens.draw(random);
    requests.push_back({now, prompt, params.output_tokens.draw(random)});
  }
  return requests;
}

}  // namespace plait
