// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file custom_chakra_rank.hpp
/// One rank of an algorithm in Chakra files (custom_chakra.cpp): what each of its sends needs, and
/// channels that take them in order without one waiting for what only another needs. Rules:
/// docs/collectives.md.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/units.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// A set of small numbers.
class Bits {
 public:
  explicit Bits(std::size_t size = 0) : words_((size + 63) / 64) {}
  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  bool has(std::size_t i) const { return ((words_[i / 64] >> (i % 64)) & 1) != 0; }
  void add(const Bits& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
  }
  bool within(const Bits& other) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      if ((words_[w] & ~other.words_[w]) != 0) return false;
    return true;
  }

 private:
  std::vector<std::uint64_t> words_;
};

/// The ops of one rank, and what each of its sends needs.
struct RankOps {
  std::vector<std::size_t> order;     ///< After what they depend on.
  std::vector<std::size_t> receives;  ///< Ops.
  std::vector<Bits> needs;            ///< By op: receives, by their place in `receives`.
  std::vector<Duration> work;         ///< By op: computes between those receives and its end.
  std::vector<bool> last;             ///< By op: no other depends on it.
  /// Sends, in order; then computes at which a way ends.
  std::vector<std::vector<std::size_t>> channels;
};

/// @param pattern  names the files, for messages.
/// @throws UserError naming the node that an algorithm cannot have, waits for itself or finds no
/// channel.
RankOps order_algorithm_rank(const OpGraph& graph, std::size_t rank, const std::string& pattern);

/// "pattern: rank, node, name: what". @throws UserError always.
[[noreturn]] void fail_at_node(const std::string& pattern, const OpGraph& graph, std::size_t rank,
                               std::size_t i, const std::string& what);

}  // namespace plait
