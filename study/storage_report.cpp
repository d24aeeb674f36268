// SPDX-License-Identifier: Apache-2.0
#include "study/storage_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "study/text_table.hpp"

namespace plait {

namespace {

constexpr std::size_t kMostServerRows = 16;

std::string gigabytes(double bytes_per_s) { return fmt::format("{:.3f}", bytes_per_s / 1e9); }

}  // namespace

std::string storage_totals(const std::string& name, const RequestSummary& line) {
  std::string text = fmt::format("{}: {} of {} operations ended, {} GB/s over {}", name, line.ended,
                                 line.count, gigabytes(line.units_per_s), human(line.active));
  if (line.round.count > 0)
    text += fmt::format("; all clients together, {} times: {} GB/s", line.round.count,
                        gigabytes(line.round_bytes_per_s));
  return text + "\n";
}

std::string storage_servers_section(const Results& results) {
  const std::span<const StorageServerRecord> servers = results.records.storage_servers;
  if (servers.empty()) return "";
  TextTable table("Storage servers (GB/s from the first piece to the last; disk: share of that)",
                  {"server", "GPU", "read", "written", "GB/s", "disk busy", "longest wait"}, 2);
  for (const StorageServerRecord& server :
       servers.first(std::min(servers.size(), kMostServerRows))) {
    const double active = active_time(server).to_s();
    table.add(
        {fmt::format("{}:{}", results.context.jobs[server.job.index()].name, server.rank.value()),
         gpu_name(*results.context.graph, server.gpu), human(server.read), human(server.written),
         gigabytes(bytes_per_s(server)),
         active > 0 ? percent(server.disk_busy.to_s() / active) : "-", human(server.longest_wait)});
  }
  if (servers.size() > kMostServerRows)
    table.add({fmt::format("({} more)", servers.size() - kMostServerRows), "", "", "", "", "", ""});
  return table.text();
}

}  // namespace plait
