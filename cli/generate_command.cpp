// SPDX-License-Identifier: Apache-2.0
// `plait trace generate`: an option for every setting of a training job.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "study/training_report.hpp"
#include "workloads/chakra/writer.hpp"

namespace plait::cli {

namespace {

struct GenerateArguments {
  std::vector<std::pair<std::string, std::string>> given;  // path and value, by option
  std::vector<std::string> settings;
  std::string gpu = "h100";
  std::string to;
};

// "tensor_parallel" is --tensor-parallel; "model.layers" is --model-layers; the preset of the model
// is --model.
std::string option_name(std::string path) {
  if (path == "model.preset") path = "model";
  std::replace_if(
      path.begin(), path.end(), [](char c) { return c == '_' || c == '.'; }, '-');
  return "--" + path;
}

int generate(const GenerateArguments& arguments) {
  std::vector<std::string> settings;
  for (const auto& [path, value] : arguments.given)
    if (!value.empty()) settings.push_back(path + "=" + value);
  settings.insert(settings.end(), arguments.settings.begin(), arguments.settings.end());
  const TrainingParams params = parse_training(settings);
  const Workload workload = make_training_workload(params);
  std::cout << training_report(params, workload, gpu_preset(arguments.gpu));
  if (arguments.to.empty()) return kOk;
  write_chakra_workload(with_durations(workload, gpu_preset(arguments.gpu)), arguments.to);
  fmt::print("\n{}: {} ranks\n", arguments.to, workload.graphs.size());
  return kOk;
}

}  // namespace

void add_generate_command(CLI::App& trace, Action& action) {
  auto arguments = std::make_shared<GenerateArguments>();
  CLI::App* command = trace.add_subcommand(
      "generate",
      "Make the training job of a transformer, and say what it asks of GPUs and fabric");
  const std::vector<ListedParam> params = training_params();
  arguments->given.reserve(params.size());
  for (const ListedParam& param : params) {
    auto& given = arguments->given.emplace_back(param.path, "");
    command->add_option(option_name(param.path), given.second, param.help)
        ->type_name(param.range.empty() ? param.type : param.range);
  }
  command->add_option("--set", arguments->settings, "The same as path=value: model.layers=4")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--gpu", arguments->gpu,
                   "GPU whose memory the estimate is held against and whose times are written")
      ->capture_default_str();
  command->add_option("--to", arguments->to,
                      "Chakra files to write, such as dir/t.{rank}.et.gz; without it, only the "
                      "report is printed");
  command->callback(
      [arguments, &action] { action = [arguments] { return generate(*arguments); }; });
}

}  // namespace plait::cli
