// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file custom_xml.hpp
/// MSCCL's XML as it stands, before anything is known of what it computes.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/collectives/nccl_model.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

struct MscclStep {
  int line = 0;                          ///< In the file, from 1; also below.
  std::string type;                      ///< s r rcs rrc rrcs rrs cpy re nop.
  char source = 'i', destination = 'i';  ///< Buffers: input, output, scratch.
  std::uint32_t source_chunk = 0, destination_chunk = 0, count = 0;
  std::int64_t needs_block = -1, needs_step = -1;  ///< Of the same GPU; -1: none.

  bool receives() const { return type[0] == 'r' && type != "re"; }
  bool sends() const { return type == "s" || type == "rcs" || type == "rrcs" || type == "rrs"; }
  bool adds() const { return type.starts_with("rr") || type == "re"; }
};

struct MscclBlock {
  int line = 0;
  std::int64_t send = -1, recv = -1;  ///< GPUs; -1: none.
  std::uint32_t channel = 0;
  std::vector<MscclStep> steps;
};

struct MscclGpu {
  int line = 0;
  std::uint32_t input = 0, output = 0, scratch = 0;  ///< Chunks.
  std::vector<MscclBlock> blocks;
};

struct MscclAlgorithm {
  std::string file, name;
  int line = 0;  ///< Of <algo>.
  CollectiveKind kind = CollectiveKind::kAllReduce;
  CollectiveProtocol protocol = CollectiveProtocol::kSimple;
  bool in_place = false;
  std::vector<MscclGpu> gpus;
};

/// Numbers are in range, peers exist, and what check_msccl() says.
/// @throws UserError naming file, line, GPU, thread block and step.
MscclAlgorithm read_msccl(const std::string& file);

/// From text that is no file. @param name for messages.
MscclAlgorithm parse_msccl(std::string_view text, const std::string& name);

/// Buffers are not huge; each (sender, receiver, channel) has one block at each end; steps depend
/// on steps that exist. Part of the readers above. @throws UserError likewise.
void check_msccl(const MscclAlgorithm& algorithm);

/// "f.xml:12: gpu 3, tb 0, step 7".
std::string place_of(const MscclAlgorithm& algorithm, std::size_t gpu, std::size_t block,
                     std::size_t step);

}  // namespace plait
