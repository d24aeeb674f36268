// SPDX-License-Identifier: Apache-2.0
#include "workloads/pytorch/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/error.hpp"
#include "workloads/chakra/process_groups.hpp"
#include "workloads/pytorch/host_trace.hpp"
#include "workloads/pytorch/kineto.hpp"
#include "workloads/pytorch/timeline.hpp"
#include "workloads/rank_files.hpp"

namespace plait {

namespace {

std::string list_steps(const KinetoTrace& trace) {
  std::string text;
  for (const ProfilerStep& step : trace.steps)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", step.number);
  return text;
}

/// Keeps what was launched in one step.
void cut_to_step(KinetoTrace& trace, const std::string& number) {
  const auto step =
      std::find_if(trace.steps.begin(), trace.steps.end(),
                   [&](const ProfilerStep& candidate) { return candidate.number == number; });
  if (step == trace.steps.end())
    throw UserError(fmt::format("{}: has no ProfilerStep#{}; its steps are: {}", trace.file, number,
                                trace.steps.empty() ? "none" : list_steps(trace)));
  const auto outside = [&](std::int64_t at) { return at < step->begin_ns || at >= step->end_ns; };
  std::erase_if(trace.gpu, [&](const GpuOp& op) { return outside(op.launch_ns); });
  std::erase_if(trace.host, [&](const HostCall& call) { return outside(call.begin_ns); });
}

KinetoTrace read_rank(const std::filesystem::path& file, std::uint32_t rank,
                      const std::string& step) {
  KinetoTrace trace = read_kineto(file);
  if (trace.rank && *trace.rank != rank)
    throw UserError(fmt::format("{}: is of rank {} by its distributedInfo, of rank {} by its name",
                                file.string(), *trace.rank, rank));
  if (!step.empty()) cut_to_step(trace, step);
  if (trace.gpu.empty())
    throw UserError(fmt::format(
        "{}: has no GPU ops (kernel, gpu_memcpy, gpu_memset); record with ProfilerActivity.CUDA",
        file.string()));
  return trace;
}

std::int64_t first_gpu_op(const KinetoTrace& trace) {
  std::int64_t first = INT64_MAX;
  for (const GpuOp& op : trace.gpu) first = std::min(first, op.begin_ns);
  return first;
}

std::int64_t last_gpu_op(const KinetoTrace& trace) {
  std::int64_t last = 0;
  for (const GpuOp& op : trace.gpu) last = std::max(last, op.end_ns);
  return last;
}

/// The time at which each rank starts: the first GPU op of all ranks, where their recordings
/// overlap; else their clocks differ, and each starts with its own.
std::vector<std::int64_t> find_epochs(const std::vector<KinetoTrace>& traces,
                                      const std::string& pattern, const TraceLog& log) {
  std::int64_t first = INT64_MAX;
  std::int64_t last_begin = 0;
  std::int64_t first_end = INT64_MAX;
  std::vector<std::int64_t> own;
  for (const KinetoTrace& trace : traces) {
    own.push_back(first_gpu_op(trace));
    first = std::min(first, own.back());
    last_begin = std::max(last_begin, own.back());
    first_end = std::min(first_end, last_gpu_op(trace));
  }
  if (last_begin <= first_end) return std::vector<std::int64_t>(traces.size(), first);
  log.warn(fmt::format(
      "{}: the ranks' recordings do not overlap in time, so their clocks differ: each rank starts "
      "with its own first GPU op",
      pattern));
  return own;
}

SpillVector<CommCall> host_calls_beside(const std::filesystem::path& file, NameTable& texts) {
  const std::filesystem::path beside = host_trace_beside(file);
  std::error_code ignored;
  if (beside.empty() || !std::filesystem::is_regular_file(beside, ignored)) return {};
  return read_host_calls(beside, texts);
}

}  // namespace

Workload read_pytorch_workload(const std::string& pattern, const TraceOptions& options,
                               const TraceLog& log) {
  const RankFiles files(pattern);
  const std::uint32_t ranks = options.ranks ? *options.ranks : files.count();
  if (ranks == 0) throw UserError(fmt::format("{}: a workload has at least 1 rank", pattern));
  files.check_all_there(ranks, log);

  std::vector<KinetoTrace> traces;
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    if (!log.attempt(TraceProblem::kFile,
                     [&] { traces.push_back(read_rank(files.file(rank), rank, options.step)); }))
      traces.emplace_back();
  if (traces[0].steps.size() > 1 && options.step.empty())
    log.warn(fmt::format("{}: has the steps {}; all are replayed, `step` chooses one",
                         traces[0].file, list_steps(traces[0])));
  const std::vector<std::int64_t> epochs = find_epochs(traces, pattern, log);

  ProcessGroups groups(ranks);
  if (!options.group_file.empty()) groups.load(options.group_file);
  Workload workload;
  std::vector<UnevenCall> uneven;
  TimelineContext context{groups, ranks, log, uneven};
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    auto graph = std::make_shared<const OpGraph>();
    log.attempt(TraceProblem::kFile, [&] {
      const SpillVector<CommCall> host_calls =
          host_calls_beside(files.file(rank), traces[rank].texts);
      graph = std::make_shared<const OpGraph>(
          build_timeline(traces[rank], host_calls, RankId(rank), epochs[rank], context));
    });
    workload.graphs.push_back(std::move(graph));
    traces[rank] = KinetoTrace();
  }
  if (groups.cut_groups() > 0)
    log.warn(
        fmt::format("{}: {} process groups name ranks that are not there; cut to the {} ranks "
                    "that are, {} members dropped in all",
                    pattern, groups.cut_groups(), ranks, groups.absent_members()));
  workload.groups = groups.groups();
  join_uneven_calls(workload, uneven, log);
  return workload;
}

}  // namespace plait
