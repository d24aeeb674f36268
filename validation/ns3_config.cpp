// SPDX-License-Identifier: Apache-2.0
#include "validation/ns3_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "sim/error.hpp"

namespace plait::validation {

namespace {

using Words = std::vector<std::string>;

double number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || rest != end) throw UserError("'" + text + "' is not a number");
  return value;
}

std::int64_t whole(const std::string& text) {
  const double value = number(text);
  if (value != std::floor(value) || std::abs(value) > 9e15)
    throw UserError("'" + text + "' is not a whole number");
  return static_cast<std::int64_t>(value);
}

bool flag(const std::string& text) { return whole(text) != 0; }

Duration microseconds(const std::string& text) {
  number(text);
  return parse_duration(text + "us");
}

// "20Mb/s" is what Plait writes as 20Mbps.
BitRate rate(std::string text) {
  if (text.ends_with("b/s")) text.replace(text.size() - 3, 3, "bps");
  return parse_rate(text);
}

Ns3Cc congestion_control(const std::string& text) {
  switch (whole(text)) {
    case 1:
      return Ns3Cc::kDcqcn;
    case 3:
      return Ns3Cc::kHpcc;
    case 7:
      return Ns3Cc::kTimely;
    case 8:
      return Ns3Cc::kDctcp;
    default:
      throw UserError(text + " is not supported; 1 (DCQCN), 3 (HPCC), 7 (TIMELY), 8 (DCTCP) are");
  }
}

// "2 100000000000 400 400000000000 1600"
Ns3RateMap rate_map(const Words& words) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(0, whole(words[0])));
  if (words.size() != 1 + 2 * count)
    throw UserError(fmt::format("announces {} pairs of rate and value, {} numbers follow", count,
                                words.size() - 1));
  Ns3RateMap map;
  for (std::size_t i = 0; i < count; ++i)
    map.entries.push_back({BitRate::bps(whole(words[1 + 2 * i])), number(words[2 + 2 * i])});
  return map;
}

using Setter = std::function<void(Ns3Config&, const Words&)>;

template <class Field, class Parse>
Setter set(Field Ns3Config::*field, Parse parse) {
  return [field, parse](Ns3Config& config, const Words& words) {
    if (words.size() != 1) throw UserError(fmt::format("has {} values instead of 1", words.size()));
    config.*field = parse(words[0]);
  };
}

Setter set_map(Ns3RateMap Ns3Config::*field) {
  return [field](Ns3Config& config, const Words& words) { config.*field = rate_map(words); };
}

// Every one must be in the file: defaults differ between the descendants.
const std::map<std::string, Setter>& keys() {
  static const std::map<std::string, Setter> table = {
      {"CC_MODE", set(&Ns3Config::cc, congestion_control)},
      {"PACKET_PAYLOAD_SIZE",
       set(&Ns3Config::payload, [](const std::string& text) { return Bytes(whole(text)); })},
      {"ALPHA_RESUME_INTERVAL", set(&Ns3Config::alpha_timer, microseconds)},
      {"RATE_DECREASE_INTERVAL", set(&Ns3Config::decrease_timer, microseconds)},
      {"RP_TIMER", set(&Ns3Config::increase_timer, microseconds)},
      {"CLAMP_TARGET_RATE", set(&Ns3Config::clamp_target, flag)},
      {"EWMA_GAIN", set(&Ns3Config::gain, number)},
      {"FAST_RECOVERY_TIMES", set(&Ns3Config::recovery_rounds, whole)},
      {"RATE_AI", set(&Ns3Config::rate_ai, rate)},
      {"RATE_HAI", set(&Ns3Config::rate_hai, rate)},
      {"MIN_RATE", set(&Ns3Config::min_rate, rate)},
      {"DCTCP_RATE_AI", set(&Ns3Config::dctcp_rate_ai, rate)},
      {"HAS_WIN", set(&Ns3Config::has_window, flag)},
      {"GLOBAL_T", set(&Ns3Config::global_rtt, flag)},
      {"VAR_WIN", set(&Ns3Config::variable_window, flag)},
      {"FAST_REACT", set(&Ns3Config::fast_react, flag)},
      {"U_TARGET", set(&Ns3Config::target_utilisation, number)},
      {"MI_THRESH", set(&Ns3Config::max_stage, whole)},
      {"INT_MULTI", set(&Ns3Config::int_multiplier, whole)},
      {"ACK_HIGH_PRIO",
       set(&Ns3Config::acks_obey_pause, [](const std::string& text) { return !flag(text); })},
      {"KMIN_MAP", set_map(&Ns3Config::k_min)},
      {"KMAX_MAP", set_map(&Ns3Config::k_max)},
      {"PMAX_MAP", set_map(&Ns3Config::p_max)},
      {"BUFFER_SIZE",
       set(&Ns3Config::buffer, [](const std::string& text) { return Bytes::mebi(whole(text)); })},
  };
  return table;
}

// Keys of which one value only is computed here, if they are there.
const std::map<std::string, double>& fixed_keys() {
  static const std::map<std::string, double> table = {
      {"ENABLE_QCN", 1},      {"ERROR_RATE_PER_LINK", 0}, {"L2_ACK_INTERVAL", 1},
      {"L2_BACK_TO_ZERO", 0}, {"MULTI_RATE", 0},          {"SAMPLE_FEEDBACK", 0},
      {"RATE_BOUND", 1},      {"LINK_DOWN", 0},           {"NIC_TOTAL_PAUSE_TIME", 0}};
  return table;
}

// File names, monitors, parameters of modes that are refused, and what that code reads but does not
// use (PAUSE_TIME, USE_DYNAMIC_PFC_THRESHOLD; L2_CHUNK_SIZE matters only with L2_BACK_TO_ZERO).
const std::set<std::string>& ignored_keys() {
  static const std::set<std::string> table = {"FLOW_FILE",
                                              "TRACE_FILE",
                                              "TRACE_OUTPUT_FILE",
                                              "FCT_OUTPUT_FILE",
                                              "PFC_OUTPUT_FILE",
                                              "SIMULATOR_STOP_TIME",
                                              "L2_CHUNK_SIZE",
                                              "PINT_LOG_BASE",
                                              "PINT_PROB",
                                              "PAUSE_TIME",
                                              "USE_DYNAMIC_PFC_THRESHOLD",
                                              "ENABLE_TRACE",
                                              "QLEN_MON_FILE",
                                              "QLEN_MON_START",
                                              "QLEN_MON_END",
                                              "QLEN_MON_DUMP_INTERVAL",
                                              "QLEN_MON_INTERVAL",
                                              "BW_MON_FILE",
                                              "RATE_MON_FILE",
                                              "CNP_MON_FILE",
                                              "MON_START",
                                              "MON_END",
                                              "QP_MON_INTERVAL",
                                              "BW_MON_INTERVAL"};
  return table;
}

std::string nearest_key(const std::string& key) {
  Words known(ignored_keys().begin(), ignored_keys().end());
  for (const auto& entry : keys()) known.push_back(entry.first);
  for (const auto& entry : fixed_keys()) known.push_back(entry.first);
  return did_you_mean(key, known);
}

void apply(const std::string& key, const Words& values, Ns3Config& config) {
  if (ignored_keys().contains(key)) return;
  if (values.empty()) throw UserError("has no value");
  if (key == "TOPOLOGY_FILE") {
    config.topology_file = values[0];
  } else if (const auto it = keys().find(key); it != keys().end()) {
    it->second(config, values);
  } else if (const auto fixed = fixed_keys().find(key); fixed != fixed_keys().end()) {
    for (const std::string& value : values)
      if (number(value) != fixed->second)
        throw UserError(fmt::format("{} is not supported, only {} is", value, fixed->second));
  } else {
    throw UserError("is not known, and it may change the result" + nearest_key(key));
  }
}

}  // namespace

double Ns3RateMap::at(BitRate rate, const std::string& key) const {
  for (const Entry& entry : entries)
    if (entry.rate == rate) return entry.value;
  throw UserError(fmt::format("{} has no value for links of {}", key, to_string(rate)));
}

Ns3Config read_ns3_config(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw UserError({file}, "cannot be read");
  Ns3Config config;
  config.file = file;
  std::set<std::string> seen;
  std::string line;
  for (SourceLocation where{file, 1}; std::getline(in, line); ++where.line) {
    std::istringstream words(line);
    std::string key;
    if (!(words >> key)) continue;
    Words values;
    for (std::string word; words >> word;) values.push_back(word);
    try {
      apply(key, values, config);
    } catch (const UserError& error) {
      throw UserError(where, key + ": " + error.what());
    }
    seen.insert(key);
  }
  for (const auto& entry : keys())
    if (!seen.contains(entry.first)) throw UserError({file}, "has no key " + entry.first);
  return config;
}

}  // namespace plait::validation
