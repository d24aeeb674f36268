// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file custom.hpp
/// Collective algorithms of the user. Either MSCCL's XML (github.com/microsoft/msccl-tools writes
/// such files): per GPU thread blocks, each with one peer to send to and one to receive from, that
/// take their steps in order. Or Chakra files, one a rank, of the algorithm's sends and receives,
/// as ASTRA-sim takes them. Formats, rules and limits: docs/collectives.md.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "workloads/collectives/collective.hpp"
#include "workloads/collectives/nccl_model.hpp"

namespace plait {

struct MscclAlgorithm;  // custom_xml.hpp

/// One chunk that a message carries.
struct CustomChunk {
  std::uint32_t owner = 0;  ///< Rank whose input it is; of a sum, any of them.
  std::uint32_t index = 0;  ///< Of the owner's input chunks.
};

/// One step of a thread block: waits, or works and sends.
struct CustomStep {
  std::uint32_t send_to = kNoPeer;
  bool reduce = false;              ///< The receiver adds what comes to what it has.
  std::vector<CustomChunk> chunks;  ///< Of a send; of XML only.
  Bytes bytes{};                    ///< Of a send, as in the file; of Chakra only.
  Duration work{};                  ///< Computes before it, as in the file; of Chakra only.
  std::uint32_t wait_from = kNoPeer, wait_channel = 0, wait_count = 0;
};

/// What a file says, checked: every message has a receiver, no step waits in a circle; of XML also:
/// it computes its collective.
struct CustomAlgorithm {
  std::string name;
  std::string place;  ///< "ring.xml:1", for messages.
  CollectiveKind kind = CollectiveKind::kAllReduce;
  CollectiveProtocol protocol = CollectiveProtocol::kSimple;
  std::uint32_t ranks = 0;
  std::uint32_t input_chunks = 0;  ///< That the input of a rank is cut into; 0: of Chakra.
  Bytes written_for{};             ///< Of Chakra: Op::size for which `bytes`, `work` hold.
  std::vector<std::vector<std::vector<CustomStep>>> steps;  ///< By rank and thread block.
  std::vector<std::vector<CollectiveSource>> sources;       ///< By rank.
};

/// From an XML file.
/// @throws UserError naming file, line, GPU, thread block and step; of an algorithm that computes
/// something else, GPU and chunk.
std::shared_ptr<const CustomAlgorithm> load_custom_algorithm(const std::string& file);

/// What an XML file says: runs it on symbols, which shows what each message carries, whether all
/// steps can go and whether the collective is what comes out. @throws UserError likewise.
CustomAlgorithm execute_msccl(const MscclAlgorithm& algorithm);

/// From Chakra files, which do not say what they compute and for how much data.
/// @param pattern with {rank}. @param written_for  Op::size for which the files hold.
/// @throws UserError naming file and node: not a Chakra file, sends and receives that do not match,
/// a circle, nodes other than sends, receives and computes with a duration.
std::shared_ptr<const CustomAlgorithm> load_custom_chakra(const std::string& pattern,
                                                          CollectiveKind kind, Bytes written_for);

/// Why call.custom cannot run the call, for a message to the user; empty if it can.
std::string why_not_custom(const CollectiveCall& call);

/// XML: the call's data are cut into as many parts, equal up to a byte, as an input has chunks.
/// Chakra: sizes and work are those of the file times size / written_for, sizes rounded up; what
/// they carry is not known, so payload() is empty. max_chunk and the layout play no part.
/// @pre why_not_custom() is empty.
std::unique_ptr<CollectiveSchedule> make_custom_schedule(const CollectiveCall& call);

}  // namespace plait
