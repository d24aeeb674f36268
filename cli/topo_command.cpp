// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/text_file.hpp"
#include "study/topology_report.hpp"
#include "topologies/dot.hpp"
#include "topologies/graphml.hpp"

namespace plait::cli {

namespace {

struct TopoArguments {
  std::string file, dot, graphml;
  std::vector<std::string> settings;
  bool metrics = false;
};

int topo(const TopoArguments& arguments) {
  const Fabric fabric = load_fabric(arguments.file, arguments.settings);
  std::cout << topology_summary(fabric);
  if (arguments.metrics) std::cout << topology_metrics(fabric);
  if (!arguments.dot.empty())
    write_text_file(arguments.dot, [&](std::ostream& out) { write_dot(out, *fabric.graph); });
  if (!arguments.graphml.empty())
    write_text_file(arguments.graphml,
                    [&](std::ostream& out) { write_graphml(out, *fabric.graph); });
  return kOk;
}

}  // namespace

void add_topo_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<TopoArguments>();
  CLI::App* command = app.add_subcommand("topo", "Describe a fabric");
  command
      ->add_option("file", arguments->file,
                   "Scenario (.yaml), GraphML (.graphml), ns-3 (.ns3) or edge list")
      ->required();
  command->add_option("--set", arguments->settings, "Change a value of the scenario: path=value")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--metrics", arguments->metrics,
                    "Bisection, diameter, path diversity, single points of failure");
  command->add_option("--dot", arguments->dot, "Write Graphviz text")->type_name("FILE");
  command->add_option("--graphml", arguments->graphml, "Write GraphML")->type_name("FILE");
  command->callback([arguments, &action] { action = [arguments] { return topo(*arguments); }; });
}

}  // namespace plait::cli
