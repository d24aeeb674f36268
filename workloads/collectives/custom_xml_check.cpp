// SPDX-License-Identifier: Apache-2.0
// What the elements of MSCCL's XML have to be to each other.
#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <tuple>

#include "sim/error.hpp"
#include "workloads/collectives/custom_xml.hpp"

namespace plait {

namespace {

constexpr std::uint64_t kMostChunksInAll = 1 << 22;

void check_links(const MscclAlgorithm& algorithm) {
  struct Ends {
    int sending = 0, receiving = 0, line = 0;
  };
  std::map<std::tuple<std::int64_t, std::int64_t, std::uint32_t>, Ends> links;
  for (std::size_t g = 0; g < algorithm.gpus.size(); ++g)
    for (const MscclBlock& block : algorithm.gpus[g].blocks) {
      const auto self = static_cast<std::int64_t>(g);
      const auto count = [&](Ends& ends, int Ends::*end) {
        ++(ends.*end);
        ends.line = block.line;
      };
      if (block.send >= 0) count(links[{self, block.send, block.channel}], &Ends::sending);
      if (block.recv >= 0) count(links[{block.recv, self, block.channel}], &Ends::receiving);
    }
  for (const auto& [link, ends] : links)
    if (ends.sending != 1 || ends.receiving != 1)
      throw UserError(
          SourceLocation{algorithm.file, ends.line, 0},
          fmt::format("from gpu {} to gpu {} on channel {}: {} thread blocks send and {} receive; "
                      "one each is needed",
                      std::get<0>(link), std::get<1>(link), std::get<2>(link), ends.sending,
                      ends.receiving));
}

void check_needs(const MscclAlgorithm& algorithm) {
  for (std::size_t g = 0; g < algorithm.gpus.size(); ++g) {
    const auto& blocks = algorithm.gpus[g].blocks;
    for (std::size_t b = 0; b < blocks.size(); ++b)
      for (std::size_t s = 0; s < blocks[b].steps.size(); ++s) {
        const MscclStep& step = blocks[b].steps[s];
        if (step.needs_block < 0) continue;
        const auto block = static_cast<std::size_t>(step.needs_block);
        if (block >= blocks.size() || step.needs_step < 0 ||
            static_cast<std::size_t>(step.needs_step) >= blocks[block].steps.size())
          throw UserError(fmt::format("{}: depends on tb {}, step {}, which does not exist",
                                      place_of(algorithm, g, b, s), step.needs_block,
                                      step.needs_step));
      }
  }
}

void check_size(const MscclAlgorithm& algorithm) {
  std::uint64_t chunks = 0;
  for (const MscclGpu& gpu : algorithm.gpus) chunks += gpu.input + gpu.output + gpu.scratch;
  if (chunks > kMostChunksInAll)
    throw UserError(SourceLocation{algorithm.file, algorithm.line, 0},
                    fmt::format("the buffers of all GPUs have {} chunks together; at most {}",
                                chunks, kMostChunksInAll));
}

}  // namespace

std::string place_of(const MscclAlgorithm& algorithm, std::size_t gpu, std::size_t block,
                     std::size_t step) {
  const int line = algorithm.gpus[gpu].blocks[block].steps[step].line;
  return fmt::format("{}:{}: gpu {}, tb {}, step {}", algorithm.file, line, gpu, block, step);
}

void check_msccl(const MscclAlgorithm& algorithm) {
  check_size(algorithm);
  check_links(algorithm);
  check_needs(algorithm);
}

}  // namespace plait
