// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file layers.hpp
/// The text of a SimAI or AICB workload: a header and one line per layer and micro-batch. Format
/// after aliyun/SimAI, astra-sim/workload/Workload.cc; columns and deviations: docs/traces.md.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/units.hpp"
#include "workloads/name_table.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

enum class SimaiPolicy : std::uint8_t {
  kTransformer,  ///< HYBRID_TRANSFORMER and HYBRID_TRANSFORMER_FWD_IN_BCKWD.
  kData,         ///< DATA: no tensor parallelism.
  kMicro,        ///< MICRO: collectives one after another.
};

/// Which ranks take part in a collective.
enum class SimaiGroup : std::uint8_t { kTensor, kData, kExpert, kDataExpert };
constexpr std::size_t kSimaiGroups = 4;

struct SimaiCollective {
  CollectiveKind kind = CollectiveKind::kAllReduce;
  SimaiGroup group = SimaiGroup::kTensor;
  Bytes size{};  ///< As in the file: of an all-gather, of all ranks together.
};

/// Compute, then communication.
struct SimaiPhase {
  Duration compute{};
  std::optional<SimaiCollective> collective;
};

enum SimaiPhaseIndex : std::size_t { kSimaiForward, kSimaiInputGradient, kSimaiWeightGradient };

struct SimaiLayer {
  std::uint32_t name = 0;  ///< In SimaiText::names.
  int line = 0;
  std::array<SimaiPhase, 3> phases;  ///< By SimaiPhaseIndex.
  Duration update{};                 ///< After each of its collectives.
  bool checkpoint = false;           ///< Its input is kept: recomputation can begin here.
  bool recomputes =
      false;  ///< Its gradient needs the forward pass since the last checkpoint again.
};

struct SimaiText {
  SimaiPolicy policy = SimaiPolicy::kTransformer;
  std::uint32_t tensor = 1, expert = 1, pipeline = 1;  ///< Ranks per group.
  std::uint32_t all_ranks = 0;                         ///< 0: the header does not say.
  SpillVector<SimaiLayer> layers;
  NameTable names;
};

/// Whether `file` is such a text, by its first word. False if it cannot be read.
bool is_simai(const std::string& file);

/// @throws UserError naming file, line and column.
SimaiText read_simai_text(const std::string& file);

}  // namespace plait
