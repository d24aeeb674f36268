// SPDX-License-Identifier: Apache-2.0
#include "workloads/trace.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "sim/error.hpp"
#include "workloads/chakra/reader.hpp"
#include "workloads/goal/reader.hpp"
#include "workloads/op_order.hpp"
#include "workloads/pytorch/reader.hpp"
#include "workloads/rank_files.hpp"
#include "workloads/simai/layers.hpp"
#include "workloads/simai/reader.hpp"
#include "workloads/trace_finish.hpp"
#include "workloads/trace_input.hpp"
#include "workloads/workload_check.hpp"

namespace plait {

std::string_view to_string(TraceFormat format) {
  switch (format) {
    case TraceFormat::kAuto:
      return "auto";
    case TraceFormat::kChakra:
      return "chakra";
    case TraceFormat::kGoal:
      return "goal";
    case TraceFormat::kSimai:
      return "simai";
    case TraceFormat::kPytorch:
      return "pytorch";
  }
  return "unknown";
}

namespace {

/// What tells a format.
struct FileStart {
  std::string path;
  std::string name;
  std::string bytes;     ///< The first 4096, uncompressed.
  std::string json_key;  ///< The first key that is known, of a JSON object.
};

bool has_suffix(const std::string& name, std::string_view suffix) {
  return name.ends_with(suffix) || name.ends_with(std::string(suffix) + ".gz");
}

bool is_pytorch(const FileStart& start) { return start.json_key == "traceEvents"; }

bool is_chakra(const FileStart& start) {
  if (start.json_key == "workload_graph" || start.json_key == "nodes") return true;
  if (has_suffix(start.name, ".et")) return true;
  // { length, message }: the first message begins with its version (field 1) or attributes (2).
  const std::string& bytes = start.bytes;
  return bytes.size() > 1 && static_cast<unsigned char>(bytes[0]) < 0x80 &&
         (bytes[1] == 0x0A || bytes[1] == 0x12) && start.json_key.empty() &&
         bytes.size() > static_cast<std::size_t>(bytes[0]);
}

// By its name, too: the reader says what is wrong with a file that has no GOAL in it.
bool is_goal_start(const FileStart& start) {
  return is_goal(start.path) || has_suffix(start.name, ".goal");
}

Workload read_goal(const std::string& file, const TraceOptions&, const TraceLog&) {
  return load_goal_workload(file);
}

bool is_simai_start(const FileStart& start) { return is_simai(start.path); }

Workload read_simai(const std::string& file, const TraceOptions& options, const TraceLog& log) {
  return load_simai_workload(file, options.ranks, log.warnings);
}

struct Reader {
  TraceFormat format;
  bool file_per_rank;
  bool finished;  ///< read() has done itself what finish_trace() and the checks do.
  bool (*recognises)(const FileStart& start);
  Workload (*read)(const std::string& pattern, const TraceOptions& options, const TraceLog& log);
};

/// In the order in which a file is tried; one line per format.
constexpr std::array kReaders = {
    Reader{TraceFormat::kGoal, false, true, is_goal_start, read_goal},
    Reader{TraceFormat::kSimai, false, true, is_simai_start, read_simai},
    Reader{TraceFormat::kPytorch, true, false, is_pytorch, read_pytorch_workload},
    Reader{TraceFormat::kChakra, true, false, is_chakra, read_chakra_workload},
};

/// The first key of a JSON object that tells its format.
std::string find_json_key(TraceInput& input) {
  struct Found {
    std::string key;
  };
  try {
    for_each_json_value(
        input,
        [](const std::string& key) -> bool {
          if (key == "traceEvents" || key == "workload_graph" || key == "nodes") throw Found{key};
          return false;
        },
        [](const std::string&, const nlohmann::json&, std::uint64_t) {});
  } catch (const Found& found) {
    return found.key;
  }
  return {};
}

const Reader& reader_of(const std::string& pattern, const TraceOptions& options) {
  TraceFormat format = options.format;
  if (format == TraceFormat::kAuto) {
    const bool per_rank = pattern.find("{rank}") != std::string::npos;
    std::filesystem::path file = pattern;
    if (per_rank) {
      const RankFiles files(pattern);
      file = files.file(files.first());
    }
    format = detect_trace_format(file);
  }
  for (const Reader& reader : kReaders)
    if (reader.format == format) return reader;
  throw UserError(
      fmt::format("{}: traces of format {} cannot be read", pattern, to_string(format)));
}

}  // namespace

TraceFormat detect_trace_format(const std::filesystem::path& file) {
  TraceInput input(file);
  FileStart start{file.string(), file.filename().string(), std::string(input.peek(4096)), {}};
  if (begins_json_object(start.bytes)) start.json_key = find_json_key(input);
  for (const Reader& reader : kReaders)
    if (reader.recognises(start)) return reader.format;
  if (start.bytes.empty()) throw UserError(fmt::format("{}: the file is empty", file.string()));
  std::string tried;
  for (const Reader& reader : kReaders)
    tried += fmt::format("{}{}", tried.empty() ? "" : ", ", to_string(reader.format));
  throw UserError(
      fmt::format("{}: not a trace of a known format (tried: {}); if it is one, say which",
                  file.string(), tried));
}

std::vector<TraceFormat> readable_trace_formats() {
  std::vector<TraceFormat> formats{TraceFormat::kAuto};
  for (const Reader& reader : kReaders) formats.push_back(reader.format);
  return formats;
}

bool is_one_file_trace(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return false;
  try {
    const TraceFormat format = detect_trace_format(file);
    for (const Reader& reader : kReaders)
      if (reader.format == format) return !reader.file_per_rank;
  } catch (const UserError&) {  // reading it tells better what is wrong
  }
  return false;
}

namespace {

// Formats of one file say which groups there are, and some how many ranks.
void check_options_apply(const std::string& file, const TraceOptions& options, const Reader& reader,
                         const Workload& workload) {
  if (reader.file_per_rank) return;
  if (!options.group_file.empty())
    throw UserError(fmt::format("{}: traces of format {} have their own groups; remove groups",
                                file, to_string(reader.format)));
  if (options.ranks && *options.ranks != workload.graphs.size())
    throw UserError(fmt::format("{}: it has {} ranks, not {}; remove ranks", file,
                                workload.graphs.size(), *options.ranks));
}

}  // namespace

Workload load_trace(const std::string& pattern, const TraceOptions& options,
                    std::vector<std::string>* warnings) {
  const TraceLog log{options.strict, warnings, nullptr};
  const Reader& reader = reader_of(pattern, options);
  Workload workload = reader.read(pattern, options, log);
  check_options_apply(pattern, options, reader, workload);
  return reader.finished ? workload : finish_trace(std::move(workload), pattern);
}

namespace {

std::uint64_t count_isolated(const OpGraph& graph) {
  SpillVector<bool> linked(graph.size(), false);
  for (std::size_t i = 0; i < graph.size(); ++i)
    for (const OpId need : graph.dependencies(OpId(i))) linked[i] = linked[need.index()] = true;
  std::uint64_t isolated = 0;
  for (const bool is_linked : linked) isolated += is_linked ? 0 : 1;
  return isolated;
}

void find_stuck(const Workload& workload, TraceProblems& problems) {
  for (const StuckOp& stuck : find_stuck_ops(workload)) {
    const OpGraph& graph = *workload.graphs[stuck.rank.index()];
    problems.add(TraceProblem::kStuck,
                 fmt::format("rank {}, {} op {} '{}'", stuck.rank.value(),
                             to_string(graph.op(stuck.op).kind), graph.source_id(stuck.op),
                             graph.name(stuck.op)));
  }
}

}  // namespace

TraceCheck check_trace(const std::string& pattern, const TraceOptions& options) {
  TraceCheck check;
  const TraceLog log{options.strict, &check.warnings, &check.problems};
  const Reader& reader = reader_of(pattern, options);
  Workload workload;
  log.attempt(TraceProblem::kFile, [&] { workload = reader.read(pattern, options, log); });
  check.ranks = workload.graphs.size();
  for (const auto& graph : workload.graphs) {
    check.ops += graph->size();
    check.isolated += count_isolated(*graph);
  }
  const bool all_read = check.problems.of(TraceProblem::kFile).count == 0;
  if (all_read && !reader.finished) find_workload_problems(workload, pattern, check.problems);
  const auto clean = [&](TraceProblem problem) { return check.problems.of(problem).count == 0; };
  const bool sound = all_read && clean(TraceProblem::kOp) && clean(TraceProblem::kGroup) &&
                     clean(TraceProblem::kMessage) && clean(TraceProblem::kCollective);
  if (sound && !reader.finished) find_stuck(workload, check.problems);
  check.runs =
      sound && clean(TraceProblem::kStuck) && (clean(TraceProblem::kDependency) || !options.strict);
  return check;
}

}  // namespace plait
