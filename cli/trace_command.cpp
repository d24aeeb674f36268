// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/trace_memory.hpp"
#include "study/trace_report.hpp"
#include "workloads/chakra/writer.hpp"

namespace plait::cli {

namespace {

struct TraceArguments {
  std::vector<std::string> files;
  std::string to;
  std::string groups;
  std::string format{to_string(TraceFormat::kAuto)};
  std::optional<std::uint32_t> ranks;
  std::string step;
  bool strict = false;
};

TraceFormat format_of(const TraceArguments& arguments) {
  for (const TraceFormat format : readable_trace_formats())
    if (arguments.format == to_string(format)) return format;
  return TraceFormat::kAuto;
}

std::string pattern_of(const TraceArguments& arguments) {
  const TraceFormat format = format_of(arguments);
  const bool one_file = format == TraceFormat::kGoal || format == TraceFormat::kSimai ||
                        (format == TraceFormat::kAuto && arguments.files.size() == 1 &&
                         is_one_file_trace(arguments.files.front()));
  return one_file ? arguments.files.front() : trace_pattern(arguments.files);
}

TraceOptions options_of(const TraceArguments& arguments) {
  TraceOptions options;
  options.format = format_of(arguments);
  options.group_file = arguments.groups;
  options.strict = arguments.strict;
  options.step = arguments.step;
  options.ranks = arguments.ranks;
  if (!options.ranks && arguments.files.size() > 1)
    options.ranks = static_cast<std::uint32_t>(arguments.files.size());
  return options;
}

Workload load(const TraceArguments& arguments, const std::string& pattern) {
  std::vector<std::string> warnings;
  Workload workload = load_trace(pattern, options_of(arguments), &warnings);
  for (const std::string& warning : warnings) fmt::print(stderr, "warning: {}\n", warning);
  return workload;
}

int trace_info(const TraceArguments& arguments) {
  const std::string pattern = pattern_of(arguments);
  std::cout << trace_report(load(arguments, pattern), pattern);
  return kOk;
}

int trace_convert(const TraceArguments& arguments) {
  const Workload workload = load(arguments, pattern_of(arguments));
  write_chakra_workload(workload, arguments.to);
  std::uint64_t ops = 0;
  for (const auto& graph : workload.graphs) ops += graph->size();
  fmt::print("{}: {} ranks, {} ops\n", arguments.to, workload.graphs.size(), ops);
  return kOk;
}

int trace_check(const TraceArguments& arguments) {
  const std::string pattern = pattern_of(arguments);
  const TraceCheck check = check_trace(pattern, options_of(arguments));
  std::cout << trace_check_report(check, pattern, arguments.strict);
  return check.runs ? kOk : kUserError;
}

CLI::App* add_action(CLI::App& trace, Action& action, const std::string& name,
                     const std::string& what, int (*run)(const TraceArguments&),
                     const std::shared_ptr<TraceArguments>& arguments) {
  CLI::App* command = trace.add_subcommand(name, what);
  command
      ->add_option("files", arguments->files,
                   "Pattern with {rank}, or the files of all ranks, or one of them")
      ->required();
  std::vector<std::string> formats;
  for (const TraceFormat format : readable_trace_formats()) formats.emplace_back(to_string(format));
  command->add_option("--format", arguments->format, "What the files are; auto: told by themselves")
      ->check(CLI::IsMember(formats));
  command->add_option("--groups", arguments->groups, "JSON file with the process groups");
  command->add_option("--ranks", arguments->ranks,
                      "Number of ranks; without it, as many as there are files");
  command->add_option("--step", arguments->step,
                      "Only this step of the profiler, such as 3 for ProfilerStep#3 (pytorch)");
  add_trace_memory(*command);
  command->add_flag("--strict", arguments->strict,
                    "Refuse what could be repaired, such as broken dependencies");
  command->callback(
      [arguments, &action, run] { action = [arguments, run] { return run(*arguments); }; });
  return command;
}

}  // namespace

void add_trace_command(CLI::App& app, Action& action) {
  const auto arguments = std::make_shared<TraceArguments>();
  CLI::App* trace =
      app.add_subcommand("trace", "Look into traces, or make one")->require_subcommand(1);
  add_action(*trace, action, "info", "What a trace holds, per rank, without running it", trace_info,
             arguments);
  add_action(*trace, action, "check",
             "All that is wrong with a trace, and whether it runs (exit code 1 if not)",
             trace_check, arguments);
  add_action(*trace, action, "convert", "Write a trace as Chakra execution traces", trace_convert,
             arguments)
      ->add_option("--to", arguments->to, "Files to write, such as dir/t.{rank}.et.gz")
      ->required();
  add_generate_command(*trace, action);
}

}  // namespace plait::cli
