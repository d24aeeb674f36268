// SPDX-License-Identifier: Apache-2.0
#include "study/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "study/config_node.hpp"
#include "study/config_printer.hpp"
#include "study/contradictions.hpp"
#include "study/custom_algorithms.hpp"
#include "study/traffic_check.hpp"

namespace plait {

namespace {

void check_job_names(const Scenario& scenario) {
  std::set<std::string> names;
  const auto legal = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const std::string path = fmt::format("jobs.{}.name", i);
    const std::string& name = scenario.jobs[i].name;
    if (name.empty() || !std::all_of(name.begin(), name.end(), legal))
      throw UserError(
          scenario.where(path),
          fmt::format("{}: '{}' is not a name: use letters, digits, _ and -", path, name));
    if (!names.insert(name).second)
      throw UserError(scenario.where(path),
                      fmt::format("{}: there are two jobs called '{}'", path, name));
  }
}

void check_source(const Scenario& scenario, std::size_t index) {
  const JobSpec& job = scenario.jobs[index];
  const std::pair<std::string_view, bool> sources[] = {
      {"trace", !job.trace.empty()},        {"flows", !job.flows.empty()},
      {"traffic", job.traffic.has_value()}, {"collective", job.collective.has_value()},
      {"rpc", job.rpc.has_value()},         {"serving", job.serving.has_value()},
      {"storage", job.storage.has_value()}, {"generate", job.generate.has_value()},
  };
  std::vector<std::string_view> legal, given;
  for (const auto& [name, is_given] : sources) {
    legal.push_back(name);
    if (is_given) given.push_back(name);
  }
  if (given.size() == 1) return;
  const std::string path = fmt::format("jobs.{}", index);
  throw UserError(
      scenario.where(path),
      fmt::format("{}: job '{}' has {}; give exactly one of {}", path, job.name,
                  given.empty() ? "nothing to do" : fmt::format("{}", fmt::join(given, " and ")),
                  fmt::join(legal, ", ")));
}

// Keys that only some jobs have are described for all, and written for all into a resolved
// scenario; so a key that does not apply may stand there with its default only.
void refuse(const Scenario& scenario, bool changed, const std::string& path,
            const std::string& applies_to) {
  if (changed)
    throw UserError(scenario.where(path),
                    fmt::format("{}: applies to {} only; remove it", path, applies_to));
}

void check_keys_apply(const Scenario& scenario, std::size_t index) {
  const JobSpec& job = scenario.jobs[index];
  const std::string path = fmt::format("jobs.{}.", index);
  if (job.trace.empty()) {
    const std::string traces = "jobs with a trace";
    refuse(scenario, !job.groups.empty(), path + "groups", traces);
    refuse(scenario, job.format != TraceFormat::kAuto, path + "format", traces);
    refuse(scenario, !job.step.empty(), path + "step", traces);
    refuse(scenario, job.strict, path + "strict", traces);
    refuse(scenario, job.ranks != 0, path + "ranks", traces);
    refuse(scenario, job.rescale.has_value(), path + "rescale", traces);
  }
  if (job.traffic) check_traffic(scenario, index);
  if (job.collective)
    refuse(scenario,
           job.collective->kind == CollectiveKind::kBarrier &&
               job.collective->size != CollectiveTrafficParams().size,
           path + "collective.size", "collectives that move data, not to a barrier,");
}

// Which GPUs the job gets, and whether the run waits for it.
void check_place(const Scenario& scenario, std::size_t index) {
  const JobSpec& job = scenario.jobs[index];
  const std::string path = fmt::format("jobs.{}.", index);
  const auto fail = [&](const std::string& key, const std::string& what) {
    throw UserError(scenario.where(path + key), path + key + ": " + what);
  };
  if (!job.hostfile.empty()) {
    if (!job.hosts.empty()) fail("hosts", "the host file says which hosts; remove one of the two");
    if (job.placement != Placement::kPacked)
      fail("placement", "the host file says where each rank goes; remove one of the two");
  }
  if (job.storage && !job.storage->client_hosts.empty() &&
      !(job.hostfile.empty() && job.beside.empty()))
    fail("storage.client_hosts", "hostfile or beside says where the clients are; remove one");
  if (job.beside.empty()) return;
  if (!job.shared) fail("beside", "needs shared: true, because those GPUs have a rank already");
  std::vector<std::string> earlier;
  for (std::size_t i = 0; i < index; ++i) earlier.push_back(scenario.jobs[i].name);
  if (std::find(earlier.begin(), earlier.end(), job.beside) == earlier.end())
    fail("beside", fmt::format("there is no job '{}' before this one{}", job.beside,
                               did_you_mean(job.beside, earlier)));
}

void check_background(const Scenario& scenario) {
  for (const JobSpec& job : scenario.jobs)
    if (!job.background) return;
  throw UserError(scenario.where("jobs.0.background"),
                  "jobs.0.background: every job is in the background, so nothing holds the run "
                  "open; at least one must not be");
}

// A cable between switches that is not described has the values of every other cable.
void name_inherited(std::vector<ResolvedLine>& lines) {
  const std::string from = "fabric.link.";
  const std::string to = "fabric.switch_link.";
  std::set<std::string> given;
  for (ResolvedLine& line : lines) {
    if (line.path.starts_with(from) && line.origin != "default")
      given.insert(line.path.substr(from.size()));
    if (line.path.starts_with(to) && line.origin == "default" &&
        given.contains(line.path.substr(to.size())))
      line.origin = "from fabric.link";
  }
}

// What one value's range cannot say.
void check(const Scenario& scenario) {
  if (scenario.jobs.empty())
    throw UserError(scenario.where("jobs"), "jobs: a scenario needs at least one job");
  check_job_names(scenario);
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    check_source(scenario, i);
    check_keys_apply(scenario, i);
    check_place(scenario, i);
  }
  check_background(scenario);
  check_faults(scenario);
  check_contradictions(scenario);
}

Scenario read(ConfigNode root, std::string name, std::string base_dir,
              const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) apply_setting(root, setting);
  Scenario without_presets;
  ConfigReader plain(root, true);
  describe(plain, without_presets);
  Scenario scenario;
  ConfigReader reader(root, plain);
  describe(reader, scenario);
  reader.finish();
  scenario.name = std::move(name);
  scenario.base_dir = std::move(base_dir);
  scenario.resolved = reader.lines();
  name_inherited(scenario.resolved);
  scenario.locations = reader.locations();
  scenario.locations.try_emplace("", root.where.file);
  check(scenario);
  load_custom_algorithms(scenario);
  return scenario;
}

}  // namespace

SourceLocation Scenario::where(std::string path) const {
  while (true) {
    const auto found = locations.find(path);
    if (found != locations.end()) return found->second;
    if (path.empty()) return {};
    const std::size_t dot = path.rfind('.');
    path.resize(dot == std::string::npos ? 0 : dot);
  }
}

std::string Scenario::at(const std::string& path, const std::string& text) const {
  const std::string place = where(path).to_string();
  return fmt::format("{}{}{}: {}", place, place.empty() ? "" : ": ", path, text);
}

std::string Scenario::file_path(const std::string& file) const {
  return (std::filesystem::path(base_dir) / file).string();
}

Scenario load_scenario(const std::string& file, const std::vector<std::string>& settings) {
  const std::filesystem::path path(file);
  std::string name = path.stem().string();
  // The only scenario of a folder bears the folder's name.
  if (name == "scenario") name = std::filesystem::absolute(path).parent_path().filename().string();
  return read(load_config(file), name, path.parent_path().string(), settings);
}

Scenario parse_scenario(std::string_view text, const std::string& name, const std::string& base_dir,
                        const std::vector<std::string>& settings) {
  return read(parse_config(text, name), name, base_dir, settings);
}

std::string scenario_yaml(const Scenario& scenario, bool origins) {
  return print_resolved(scenario.resolved, origins);
}

}  // namespace plait
