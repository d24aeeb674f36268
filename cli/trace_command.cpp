// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "study/trace_report.hpp"

namespace plait::cli {

namespace {

struct TraceArguments {
  std::vector<std::string> files;
  std::string groups;
  bool strict = false;
};

int trace_info(const TraceArguments& arguments) {
  TraceOptions options;
  options.group_file = arguments.groups;
  options.strict = arguments.strict;
  const std::string pattern = trace_pattern(arguments.files);
  if (arguments.files.size() > 1)
    options.ranks = static_cast<std::uint32_t>(arguments.files.size());
  std::vector<std::string> warnings;
  const Workload workload = load_trace(pattern, options, &warnings);
  for (const std::string& warning : warnings) fmt::print(stderr, "warning: {}\n", warning);
  std::cout << trace_report(workload, pattern);
  return kOk;
}

}  // namespace

void add_trace_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<TraceArguments>();
  CLI::App* trace = app.add_subcommand("trace", "Look into traces")->require_subcommand(1);
  CLI::App* info =
      trace->add_subcommand("info", "What a trace holds, per rank, without running it");
  info->add_option("files", arguments->files,
                   "Pattern with {rank}, or the files of all ranks, or one of them")
      ->required();
  info->add_option("--groups", arguments->groups, "JSON file with the process groups");
  info->add_flag("--strict", arguments->strict,
                 "Refuse broken dependencies instead of dropping them");
  info->callback([arguments, &action] { action = [arguments] { return trace_info(*arguments); }; });
}

}  // namespace plait::cli
