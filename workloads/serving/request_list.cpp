// SPDX-License-Identifier: Apache-2.0
// Inference requests, drawn or from a file.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "sim/error.hpp"
#include "sim/text_lines.hpp"
#include "workloads/serving/serving.hpp"

namespace plait {

namespace {

constexpr std::uint32_t kGapPurpose = 0x73727667;     // "srvg"
constexpr std::uint32_t kTokensPurpose = 0x73727674;  // "srvt"
constexpr std::string_view kHeader = "arrival,prompt_tokens,output_tokens";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    fields.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return fields;
}

std::int64_t tokens(std::string_view text, std::string_view column) {
  const bool digits = !text.empty() && text.size() <= 9 &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  const std::int64_t value = digits ? std::stoll(std::string(text)) : 0;
  if (value < 1 || value > kMaxCount)
    throw UserError(fmt::format("{} '{}' is not a number of tokens; legal is 1 to {}", column, text,
                                kMaxCount));
  return value;
}

InferenceRequest parse(std::string_view line) {
  const std::vector<std::string_view> fields = fields_of(line);
  if (fields.size() != 3)
    throw UserError(fmt::format("expected {}, got {} fields", kHeader, fields.size()));
  InferenceRequest request{parse_duration(fields[0]), tokens(fields[1], "prompt_tokens"),
                           tokens(fields[2], "output_tokens")};
  if (request.arrival < Duration{}) throw UserError("an arrival cannot be negative");
  return request;
}

}  // namespace

std::vector<InferenceRequest> load_requests(const std::filesystem::path& file) {
  TextLines lines(file);
  std::vector<InferenceRequest> requests;
  bool has_header = false;
  while (lines.next()) {
    const std::string_view text = trimmed(lines.text());
    if (text.empty() || text.front() == '#') continue;
    if (!has_header) {
      if (text != kHeader)
        throw UserError(lines.where(), fmt::format("the first line must be '{}'", kHeader));
      has_header = true;
      continue;
    }
    try {
      requests.push_back(parse(text));
    } catch (const UserError& error) {
      throw UserError(lines.where(), error.what());
    }
  }
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
