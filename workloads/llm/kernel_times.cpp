// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/kernel_times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/error.hpp"
#include "sim/text_lines.hpp"

namespace plait {

namespace {

constexpr std::string_view kHeader = "kernel,time";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

void add_line(std::string_view line, KernelTimes& times) {
  const std::size_t comma = line.find(',');
  if (comma == std::string_view::npos || line.find(',', comma + 1) != std::string_view::npos)
    throw UserError("expected kernel,time");
  const std::string name(trimmed(line.substr(0, comma)));
  const std::vector<std::string> names = kernel_names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw UserError(fmt::format("unknown kernel '{}'{}; known: {}", name, did_you_mean(name, names),
                                fmt::join(names, " ")));
  const Duration time = parse_duration(trimmed(line.substr(comma + 1)));
  if (time <= Duration()) throw UserError(fmt::format("'{}' must take longer than 0", name));
  if (!times.try_emplace(name, time).second)
    throw UserError(fmt::format("kernel '{}' is there twice", name));
}

}  // namespace

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const std::string_view part :
       {"embedding", "attention", "attention_in", "attention_core", "attention_out", "ffn",
        "router", "shared_experts", "experts", "output"})
    for (const std::string_view direction : {"forward", "backward"})
      names.push_back(fmt::format("{}_{}", part, direction));
  names.emplace_back("gradient_norm");
  names.emplace_back("optimizer");
  return names;
}

KernelTimes load_kernel_times(const std::filesystem::path& file) {
  TextLines lines(file);
  KernelTimes times;
  bool has_header = false;
  while (lines.next()) {
    const std::string_view text = trimmed(lines.text());
    if (text.empty() || text.front() == '#') continue;
    if (!has_header && text != kHeader)
      throw UserError(lines.where(), fmt::format("the first line must be '{}'", kHeader));
    if (!std::exchange(has_header, true)) continue;
    try {
      add_line(text, times);
    } catch (const UserError& error) {
      throw UserError(lines.where(), error.what());
    }
  }
  if (times.empty()) throw UserError(fmt::format("{}: no kernels", file.string()));
  return times;
}

}  // namespace plait
