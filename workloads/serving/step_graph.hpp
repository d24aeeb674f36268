// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file step_graph.hpp
/// One step of a replica (a forward pass over a batch) as an op graph, the same for all its ranks:
/// a chain of compute ops, for the roofline of models/gpu.hpp, and collectives. And the KV cache:
/// how large, and which rank holds which share. Equations and sources: docs/models/serving.md.

#include <cstdint>
#include <memory>
#include <vector>

#include "workloads/op_graph.hpp"
#include "workloads/serving/serving.hpp"

namespace plait {

/// What a step computes, summed over its sequences.
struct StepWork {
  std::int64_t tokens = 0;   ///< Prompt tokens and one per decoding sequence.
  std::int64_t outputs = 0;  ///< Sequences that get a token.
  double pairs = 0;          ///< Of a token and a position that it attends to, itself included.
  double context = 0;        ///< Positions whose keys and values are read.

  /// `count` tokens of a prompt after `before` others. @param completes it is the end of the
  /// prompt.
  void add_prompt(std::int64_t before, std::int64_t count, bool completes);
  /// One token that attends to `positions`, itself included.
  void add_decode(std::int64_t positions);
};

/// Makes the graphs of one pool. Groups by role: 0 the tensor-parallel one, 1 all of the replica.
class StepGraphMaker {
 public:
  StepGraphMaker(const ServingParams& params, const PoolParams& pool);

  std::shared_ptr<const OpGraph> make(const StepWork& work) const;

  /// Layers that are put together, in order.
  struct Block {
    std::int64_t first = 0, count = 0;  ///< Layers.
    std::size_t ops_before_next = 0;    ///< Ops of the graph up to the end of the block.
  };
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  struct Chain;
  void add_layers(Chain& chain, const Block& block, const StepWork& work) const;
  void add_experts(Chain& chain, const Block& block, const StepWork& work) const;
  void add_output(Chain& chain, const StepWork& work) const;
  std::size_t ops_of(const Block& block) const;
  bool spreads_experts(const Block& block) const;

  ServingParams params_;
  PoolParams pool_;
  std::vector<Block> blocks_;
};

/// Keys and values of one token in one layer on one rank of `tensor_parallel`.
std::int64_t kv_bytes_per_layer(const ServingParams& params, std::int64_t tensor_parallel);

/// What prefill rank `from` sends decode rank `to`, both within their tensor-parallel groups.
struct KvTransfer {
  std::uint32_t from = 0, to = 0;
  std::int64_t bytes_per_layer = 0;  ///< Of one token.
};
/// Every rank of the decode group gets what it will hold, each head from one rank that has it. By
/// (to, from).
std::vector<KvTransfer> kv_transfers(const ServingParams& params);

}  // namespace plait
