// SPDX-License-Identifier: Apache-2.0
#include "models/ecn_rules.hpp"

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "sim/error.hpp"

namespace plait {

namespace {

[[noreturn]] void refuse(const std::string& word) {
  throw UserError(
      "'" + word +
      "' is not PRIORITY:K_MIN:K_MAX or PRIORITY:K_MIN:K_MAX:P_MAX with a priority from 0 "
      "to 7, K_MIN not above K_MAX and P_MAX from 0 to 1 (for example "
      "\"3:100KB:400KB:0.1\")");
}

std::vector<std::string> split(const std::string& word) {
  std::vector<std::string> parts;
  std::istringstream in(word);
  for (std::string part; std::getline(in, part, ':');) parts.push_back(part);
  return parts;
}

double probability(const std::string& text, const std::string& word) {
  std::istringstream in(text);
  double p = -1;
  if (!(in >> p) || !in.eof() || !(p >= 0 && p <= 1)) refuse(word);
  return p;
}

// A threshold for another rate. No queue is longer than 32 bits can say.
std::uint32_t scaled(Bytes threshold, double scale) {
  const double bytes = static_cast<double>(threshold.count()) * scale;
  return bytes < 4e9 ? static_cast<std::uint32_t>(std::lround(bytes)) : UINT32_MAX;
}

}  // namespace

std::array<EcnRule, kPriorities> ecn_rules(const EcnParams& params) {
  const unsigned marked = !params.enabled              ? 0U
                          : params.priorities == "all" ? 0xffU
                                                       : parse_priority_set(params.priorities);
  std::array<EcnRule, kPriorities> rules;
  for (unsigned p = 0; p < kPriorities; ++p)
    rules[p] = {(marked >> p & 1U) != 0, params.k_min, params.k_max, params.p_max};
  unsigned named = 0;
  std::istringstream in(params.by_priority);
  for (std::string word; in >> word;) {
    const std::vector<std::string> parts = split(word);
    if (parts.size() < 3 || parts.size() > 4 || parts[0].size() != 1 || parts[0][0] < '0' ||
        parts[0][0] > '7')
      refuse(word);
    const auto priority = static_cast<std::size_t>(parts[0][0] - '0');
    if ((named >> priority & 1U) != 0)
      throw UserError("priority " + parts[0] + " is named twice; write its thresholds once");
    named |= 1U << priority;
    EcnRule& rule = rules[priority];
    rule.k_min = parse_bytes(parts[1]);
    rule.k_max = parse_bytes(parts[2]);
    if (rule.k_min > rule.k_max || rule.k_max > Bytes::gibi(1)) refuse(word);
    if (parts.size() == 4) rule.p_max = probability(parts[3], word);
  }
  return rules;
}

std::vector<MarkThresholds> mark_thresholds(const EcnParams& params,
                                            const std::vector<LinkClass>& links) {
  std::vector<MarkThresholds> table(links.size() * kPriorities);
  if (!params.enabled) return table;
  const auto rules = ecn_rules(params);
  for (std::size_t row = 0; row < links.size(); ++row) {
    const double scale = params.reference_rate.bps() == 0
                             ? 1.0
                             : links[row].rate().to_gbps() / params.reference_rate.to_gbps();
    for (std::size_t q = 0; q < kPriorities; ++q)
      if (rules[q].marks)
        table[row * kPriorities + q] = {scaled(rules[q].k_min, scale),
                                        scaled(rules[q].k_max, scale), rules[q].p_max};
  }
  return table;
}

}  // namespace plait
