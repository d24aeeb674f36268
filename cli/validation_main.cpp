// SPDX-License-Identifier: Apache-2.0
// The `plait-validate` program: compares the network with recorded results of other simulators.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "cli/guarded.hpp"
#include "cli/text_file.hpp"
#include "sim/error.hpp"
#include "study/version.hpp"
#include "validation/ns3_report.hpp"
#include "validation/report.hpp"

namespace plait::cli {
namespace {

using namespace validation;

constexpr int kMissed = 1;

struct ReportArguments {
  std::string only, out = "-";
  bool list = false;
};

std::string read_text(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw UserError({file}, "cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

int exit_code(const std::vector<Outcome>& outcomes) {
  for (const Outcome& outcome : outcomes)
    if (!outcome.result.met()) return kMissed;
  return kOk;
}

// The whole report, or the tables of the chosen cases alone.
int report(const ReportArguments& arguments, const Settings& settings) {
  const std::string folder = validation_folder();
  const std::vector<Case> cases = select_cases(all_cases(folder), arguments.only);
  if (arguments.list) {
    for (const Case& one : cases) fmt::print("{}\n", one.name);
    return kOk;
  }
  Settings one_thread = settings;
  one_thread.threads = 1;  // cases side by side; each is small
  const auto outcomes = run_cases(cases, one_thread, settings.threads, [](const Outcome& outcome) {
    fmt::print(stderr, "{}: {}\n", outcome.name, outcome.result.met() ? "met" : "missed");
  });
  const std::string text =
      arguments.only.empty()
          ? fill_template(read_text(folder + "/report_template.md"), outcomes, settings)
          : tables(outcomes);
  write_text_file(arguments.out, [&](std::ostream& out) { out << text; });
  return exit_code(outcomes);
}

// One case of the user's own.
int own_case(const Ns3Files& files, const Settings& settings) {
  const Ns3Case one(files);
  const CaseResult result = compare(one, "own", settings, {SIZE_MAX, true});
  std::cout << tables({{"own", result}});
  return result.met() ? kOk : kMissed;
}

void add_own_case(CLI::App& app, const Settings& settings, Action& action) {
  auto files = std::make_shared<Ns3Files>();
  CLI::App* command = app.add_subcommand(
      "ns3",
      "Compare a case of your own with one of the ns-3 RDMA simulators (HPCC's and its "
      "descendants)");
  command->add_option("--topology", files->topology, "Its topology file")->required();
  command
      ->add_option("--flows", files->flows,
                   "Its results as CSV: src, dst, bytes, start_ns, fct_ns, data_path, ack_path")
      ->required();
  command->add_option("--config", files->config, "Its configuration file")->required();
  command->add_option("--pfc", files->pauses,
                      "Its log of pause frames: TIME_NS NODE NODE_TYPE PORT TYPE");
  command->callback([files, &settings, &action] {
    action = [files, &settings] { return own_case(*files, settings); };
  });
}

int run(int argc, char** argv) {
  CLI::App app(
      "Runs every comparison of Plait's network with independent simulators and prints the "
      "report that docs/validation.md is.",
      "plait-validate");
  app.set_version_flag("--version", "plait-validate " + std::string(version()));
  app.require_subcommand(0, 1);
  app.fallthrough();
  app.footer(
      "Exit codes: 0 every target is met, 1 one is missed or the input is wrong, 2 wrong usage.");
  Settings settings;
  ReportArguments arguments;
  app.add_option("--only", arguments.only, "Cases with this in their name; prints tables only");
  app.add_option("--out", arguments.out, "File of the report instead of standard output");
  app.add_flag("--list", arguments.list, "Name the cases and stop");
  app.add_option("--seeds", settings.seeds, "Runs of every random case")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--threads", settings.threads, "Cases at a time; of one case, its threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  Action action = [&] { return report(arguments, settings); };
  add_own_case(app, settings, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return guarded(action);
}

}  // namespace
}  // namespace plait::cli

int main(int argc, char** argv) { return plait::cli::run(argc, argv); }
