// SPDX-License-Identifier: Apache-2.0
// Keys of `collectives`, with ranges, defaults and their sources.
#include <vector>

#include "models/collective_choice.hpp"

namespace plait {

namespace {

using Algorithm = CollectiveAlgorithm;

// Each message is an event or more: a gigabyte in pieces of a byte would be 10^9 of them.
constexpr Bytes kLeastChunk = Bytes::kibi(1);

/// @param custom  whether a file can be named beside it.
void describe_choice(ParamVisitor& visitor, CollectiveAlgorithm& algorithm, bool custom) {
  std::vector<Choice> names;
  names.reserve(static_cast<std::size_t>(Algorithm::kCustom) + 1);
  for (int i = 0; i < static_cast<int>(Algorithm::kCustom); ++i)
    names.push_back({to_string(static_cast<Algorithm>(i)),
                     i == 0 ? "by NCCL's cost model" : "for the kinds that have it"});
  if (custom) names.push_back({to_string(Algorithm::kCustom), "the algorithm in `file`"});
  visitor.choice({"algorithm", "of each call; kinds that do not have it choose for themselves",
                  "NCCL chooses by its cost model"},
                 algorithm, names);
}

void describe_choice(ParamVisitor& visitor, CollectiveProtocol& protocol) {
  visitor.choice({"protocol", "how NCCL moves data: flags beside it, or whole chunks",
                  "NCCL chooses by its cost model"},
                 protocol,
                 {{"auto", "by NCCL's cost model"},
                  {"ll", "a flag beside every 4 bytes: twice the bytes, least latency"},
                  {"ll128", "8 bytes of flags beside every 120"},
                  {"simple", "no flags: each chunk waits for the one before"}});
}

}  // namespace

void describe(ParamVisitor& visitor, CollectiveParams& params) {
  const std::string_view tuning = "NCCL src/graph/tuning.cc, ring, protocol Simple";
  describe_choice(visitor, params.algorithm, false);
  describe_choice(visitor, params.protocol);
  visitor.field({"launch", "time from the start of a collective call to its first step", tuning},
                params.launch, {Duration{}, Duration::s(1)});
  visitor.field({"step_intra", "software time of a step whose peer is on the same host",
                 "NCCL src/graph/tuning.cc: 3.4 us an NVLink hop, less the 0.6 us of flight that "
                 "fabric.scale_up simulates"},
                params.step_intra, {Duration{}, Duration::s(1)});
  visitor.field({"step_inter", "software time of a step whose peer is on another host",
                 "NCCL src/graph/tuning.cc: 14 us a network hop, less the 1.7 us of flight that "
                 "the fabric simulates"},
                params.step_inter, {Duration{}, Duration::s(1)});
  visitor.field(
      {"chunk",
       "largest message of a collective; larger pieces are cut and pipelined. Below 1KiB a "
       "run would do little else than count messages",
       "NCCL Simple: 4 of the 8 slots of a 4 MiB buffer, times 24 channels of an A100"},
      params.chunk, {kLeastChunk, Bytes::gibi(64)});
  visitor.field({"broadcast_chunk",
                 "the same for a broadcast or a tree, which pipeline along a chain of ranks; of "
                 "all rings together",
                 "NCCL Simple: 1 of the 8 slots of a 4 MiB buffer, times 24 channels of an A100"},
                params.broadcast_chunk, {kLeastChunk, Bytes::gibi(64)});
  visitor.field({"window",
                 "of direct algorithms: peers to send to before the first of them must have "
                 "answered; 0 = all",
                 "NCCL's grouped sends: all"},
                params.window, {0, 1'000'000});
  visitor.field({"channels",
                 "rings used side by side; 0 = 1 on one host, else the largest number "
                 "of group members on one host",
                 "Plait's choice, after NCCL's one ring per NIC"},
                params.channels, {0, kMaxChannels});
  visitor.field({"max_channels", "limit of the automatic number of channels", "Plait's choice"},
                params.max_channels, {1, kMaxChannels});
}

void describe(ParamVisitor& visitor, CollectiveOverride& params) {
  std::vector<Choice> kinds = {{"any", "every collective"}};
  for (int i = 0; i <= static_cast<int>(CollectiveKind::kScatter); ++i)
    kinds.push_back({to_string(static_cast<CollectiveKind>(i)), ""});
  visitor.choice({"kind", "which collectives", "Plait's choice"}, params.kind, kinds);
  visitor.field({"group", "name of the group; * stands for any text", "Plait's choice"},
                params.group);
  visitor.field({"from", "sizes of at least this", "Plait's choice"}, params.from,
                {Bytes(0), Bytes::gibi(1LL << 20)});
  visitor.field({"to", "and below this", "Plait's choice"}, params.to,
                {Bytes(0), Bytes::gibi(1LL << 20)});
  describe_choice(visitor, params.algorithm, true);
  describe_choice(visitor, params.protocol);
  visitor.field({"channels", "rings side by side; 0: as collectives.channels", "Plait's choice"},
                params.channels, {0, kMaxChannels});
  visitor.field({"file",
                 "of algorithm custom: MSCCL's XML, or with {rank} in the name Chakra files, one a "
                 "rank; from the scenario's folder",
                 "none"},
                params.file);
  visitor.field({"written_for",
                 "of Chakra files: the size of a call for which theirs hold; those of other calls "
                 "are in proportion",
                 "none"},
                params.written_for, {Bytes(0), Bytes::gibi(1LL << 20)});
}

}  // namespace plait
