// SPDX-License-Identifier: Apache-2.0
#include "validation/pause_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "sim/error.hpp"

namespace plait::validation {

namespace {

constexpr std::int64_t kStart = 2'000'000'000;

std::string describe_event(const char* whose, const PauseEvent& event) {
  return fmt::format("only {}: {} at node {} port {} at {} ns", whose,
                     event.pause ? "pause" : "resume", event.node, event.port, event.ns);
}

}  // namespace

std::vector<PauseEvent> read_pause_log(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw UserError({file}, "cannot be read");
  std::vector<PauseEvent> events;
  std::string line;
  for (SourceLocation where{file, 1}; std::getline(in, line); ++where.line) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::istringstream words(line);
    std::int64_t ns = 0, node = 0, node_type = 0, port = 0, type = 0;
    std::string more;
    if (!(words >> ns >> node >> node_type >> port >> type) || words >> more)
      throw UserError(where, "a line is: TIME_NS NODE NODE_TYPE PORT TYPE");
    if (ns < kStart || node < 0 || port < 1 || type < 0 || type > 1)
      throw UserError(where, fmt::format("times start at {}, ports at 1, and the type is 1 (pause) "
                                         "or 0 (resume)",
                                         kStart));
    events.push_back({ns - kStart, static_cast<std::uint32_t>(node),
                      static_cast<std::uint32_t>(port - 1), type == 1});
  }
  return events;
}

std::vector<PauseEvent> pause_events(const std::vector<PauseRecord>& records) {
  std::vector<PauseEvent> events;
  for (const PauseRecord& record : records)
    events.push_back({record.time.ps() / 1000, record.node.value(), record.port, record.pause});
  return events;
}

PauseComparison compare_pauses(std::vector<PauseEvent> theirs, std::vector<PauseEvent> ours) {
  std::sort(theirs.begin(), theirs.end());
  std::sort(ours.begin(), ours.end());
  PauseComparison result{theirs.size(), ours.size(), 0, {}};
  auto a = theirs.begin(), b = ours.begin();
  while (a != theirs.end() || b != ours.end()) {
    if (a != theirs.end() && b != ours.end() && *a == *b) {
      ++result.equal, ++a, ++b;
      continue;
    }
    const bool is_theirs = b == ours.end() || (a != theirs.end() && *a < *b);
    if (result.first_difference.empty())
      result.first_difference = describe_event(is_theirs ? "theirs" : "ours", is_theirs ? *a : *b);
    ++(is_theirs ? a : b);
  }
  return result;
}

}  // namespace plait::validation
