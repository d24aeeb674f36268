// SPDX-License-Identifier: Apache-2.0
// Runs MSCCL's XML on symbols.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <utility>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/collectives/custom.hpp"
#include "workloads/collectives/custom_sum.hpp"
#include "workloads/collectives/custom_xml.hpp"

namespace plait {

namespace {

/// Runs an algorithm on symbols: finds out what every message carries, whether all steps can go and
/// whether the collective is what comes out.
class Execution {
 public:
  explicit Execution(const MscclAlgorithm& algorithm) : xml_(algorithm) {
    const auto ranks = static_cast<std::uint32_t>(xml_.gpus.size());
    result_.name = xml_.name;
    result_.place = fmt::format("{}:{}", xml_.file, xml_.line);
    result_.kind = xml_.kind;
    result_.protocol = xml_.protocol;
    result_.ranks = ranks;
    const bool shares = xml_.kind == CollectiveKind::kAllGather && xml_.in_place;
    // In place, an all-gather has its input within the output.
    result_.input_chunks = shares ? xml_.gpus[0].output / ranks : xml_.gpus[0].input;
    if (result_.input_chunks == 0) {
      throw UserError(
          fmt::format("{}:{}: gpu 0 has no input chunks", xml_.file, xml_.gpus[0].line));
    }
    buffers_.resize(ranks);
    done_.resize(ranks);
    received_.resize(ranks);
    result_.steps.resize(ranks);
    result_.sources.resize(ranks);
    for (std::uint32_t g = 0; g < ranks; ++g) start(g);
  }

  CustomAlgorithm run() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t g = 0; g < xml_.gpus.size(); ++g)
        for (std::size_t b = 0; b < xml_.gpus[g].blocks.size(); ++b)
          while (try_step(g, b)) moved = true;
    }
    check_all_done();
    check_result();
    collect_sources();
    return std::move(result_);
  }

 private:
  using Needs = std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>;  // per source
  struct Message {
    std::vector<SymbolicSum> chunks;
    CustomStep* step;
  };
  using Link = std::tuple<std::size_t, std::size_t, std::uint32_t>;

  void start(std::uint32_t g) {
    const MscclGpu& gpu = xml_.gpus[g];
    if (gpu.input != xml_.gpus[0].input || gpu.output != xml_.gpus[0].output)
      throw UserError(
          fmt::format("{}:{}: gpu {} has {} input and {} output chunks, gpu 0 {} and {}", xml_.file,
                      gpu.line, g, gpu.input, gpu.output, xml_.gpus[0].input, xml_.gpus[0].output));
    auto& buffers = buffers_[g];
    buffers['i'].resize(gpu.input);
    buffers['o'].resize(gpu.output);
    buffers['s'].resize(gpu.scratch);
    for (std::uint32_t c = 0; c < result_.input_chunks; ++c) {
      const bool shared = xml_.kind == CollectiveKind::kAllGather && xml_.in_place;
      SymbolicSum& at = shared ? buffers['o'][g * result_.input_chunks + c] : buffers['i'][c];
      at = SymbolicSum(g, c);
    }
    done_[g].assign(gpu.blocks.size(), 0);
    received_[g].resize(gpu.blocks.size());
    implied_[g].resize(gpu.blocks.size());
    result_.steps[g].resize(gpu.blocks.size());
    for (std::size_t b = 0; b < gpu.blocks.size(); ++b) {
      result_.steps[g][b].reserve(4 * gpu.blocks[b].steps.size() * (gpu.blocks.size() + 1));
      history_[g].resize(gpu.blocks.size());
    }
  }

  bool try_step(std::size_t g, std::size_t b) {
    const MscclBlock& block = xml_.gpus[g].blocks[b];
    std::size_t& next = done_[g][b];
    if (next == block.steps.size()) return false;
    const MscclStep& step = block.steps[next];
    if (step.needs_block >= 0 && done_[g][static_cast<std::size_t>(step.needs_block)] <=
                                     static_cast<std::size_t>(step.needs_step))
      return false;
    const Link from{static_cast<std::size_t>(block.recv), g, block.channel};
    if (step.receives() && mail_[from].empty()) return false;
    Needs& implied = implied_[g][b];
    if (step.needs_block >= 0)
      wait_for(g, b,
               history_[g][static_cast<std::size_t>(step.needs_block)]
                       [static_cast<std::size_t>(step.needs_step)]);
    std::vector<SymbolicSum> data;
    if (step.receives()) {
      Message message = std::move(mail_[from].front());
      mail_[from].pop_front();
      data = std::move(message.chunks);
      if (data.size() != step.count)
        fail(g, b, next,
             fmt::format("receives {} chunks, but {} are sent", step.count, data.size()));
      message.step->reduce = step.adds();
      const std::pair source{static_cast<std::uint32_t>(block.recv), sending_block(from)};
      wait_for(g, b, {{source, ++received_[g][b]}});
    }
    apply(g, b, step, std::move(data));
    history_[g][b].push_back(implied);
    ++next;
    return true;
  }

  /// The block at `link`'s sender: the number of the channel under which its messages go.
  std::uint32_t sending_block(const Link& link) const {
    const auto& blocks = xml_.gpus[std::get<0>(link)].blocks;
    const auto found = std::find_if(blocks.begin(), blocks.end(), [&](const MscclBlock& block) {
      return block.send == static_cast<std::int64_t>(std::get<1>(link)) &&
             block.channel == std::get<2>(link);
    });
    PLAIT_CHECK(found != blocks.end(), "both ends of a link have a block");
    return static_cast<std::uint32_t>(found - blocks.begin());
  }

  /// What the block must have heard from now on. A step of another block is done when what it and
  /// those before it wait for has come, so waits for messages say it all.
  void wait_for(std::size_t g, std::size_t b, const Needs& needs) {
    for (const auto& [source, count] : needs) {
      std::uint32_t& known = implied_[g][b][source];
      if (count <= known) continue;
      known = count;
      CustomStep wait;
      wait.wait_from = source.first;
      wait.wait_channel = source.second;
      wait.wait_count = count;
      result_.steps[g][b].push_back(std::move(wait));
    }
  }

  void apply(std::size_t g, std::size_t b, const MscclStep& step, std::vector<SymbolicSum> data) {
    const auto source = [&](std::uint32_t k) -> const SymbolicSum& {
      return buffers_[g].at(step.source)[step.source_chunk + k];
    };
    if (step.type == "nop") return;
    if (!step.receives()) {
      for (std::uint32_t k = 0; k < step.count; ++k) data.push_back(source(k));
    } else if (step.adds()) {
      for (std::uint32_t k = 0; k < step.count; ++k) add(g, b, data[k], source(k));
    }
    if (step.type != "s" && step.type != "rrs")
      for (std::uint32_t k = 0; k < step.count; ++k) {
        SymbolicSum& at = buffers_[g].at(step.destination)[step.destination_chunk + k];
        if (step.type == "re")
          add(g, b, at, data[k]);
        else
          at = data[k];
      }
    if (step.sends()) send(g, b, std::move(data));
  }

  void add(std::size_t g, std::size_t b, SymbolicSum& to, const SymbolicSum& what) const {
    if (to.empty() || what.empty()) fail(g, b, done_[g][b], "adds a chunk that holds nothing");
    if (to.index() != what.index())
      fail(g, b, done_[g][b], fmt::format("adds chunk {} to chunk {}", what.index(), to.index()));
    to.add(what);
  }

  void send(std::size_t g, std::size_t b, std::vector<SymbolicSum> data) {
    const MscclBlock& block = xml_.gpus[g].blocks[b];
    CustomStep step;
    step.send_to = static_cast<std::uint32_t>(block.send);
    for (const SymbolicSum& sum : data) {
      if (sum.empty()) fail(g, b, done_[g][b], "sends a chunk that holds nothing yet");
      step.chunks.push_back({sum.first_rank(), sum.index()});
    }
    auto& steps = result_.steps[g][b];
    PLAIT_CHECK_LT(steps.size(), steps.capacity());  // messages point into it
    steps.push_back(std::move(step));
    mail_[{g, static_cast<std::size_t>(block.send), block.channel}].push_back(
        {std::move(data), &steps.back()});
  }

  void check_all_done() const {
    for (std::size_t g = 0; g < xml_.gpus.size(); ++g)
      for (std::size_t b = 0; b < xml_.gpus[g].blocks.size(); ++b) {
        const MscclBlock& block = xml_.gpus[g].blocks[b];
        if (done_[g][b] == block.steps.size()) continue;
        const MscclStep& step = block.steps[done_[g][b]];
        fail(g, b, done_[g][b],
             step.receives()
                 ? fmt::format("waits for a message of gpu {} that never comes", block.recv)
                 : fmt::format("waits for tb {}, step {}, which never ends", step.needs_block,
                               step.needs_step));
      }
    for (const auto& [link, messages] : mail_)
      if (!messages.empty())
        throw UserError(fmt::format(
            "{}: gpu {} sends {} messages to gpu {} on channel {} that it does not receive",
            xml_.file, std::get<0>(link), messages.size(), std::get<1>(link), std::get<2>(link)));
  }

  /// What chunk `c` of the result of rank `g` has to be.
  SymbolicSum wanted(std::uint32_t g, std::uint32_t c) const {
    const std::uint32_t n = result_.ranks, per_rank = result_.input_chunks;
    const std::uint32_t per_pair = per_rank / n;  // of those that split the input
    switch (xml_.kind) {
      case CollectiveKind::kAllGather:
        return {c / per_rank, c % per_rank};
      case CollectiveKind::kAllToAll:
        return {c / per_pair, g * per_pair + c % per_pair};
      default:
        break;
    }
    SymbolicSum sum(0, xml_.kind == CollectiveKind::kReduceScatter ? g * per_pair + c : c);
    for (std::uint32_t rank = 1; rank < n; ++rank) sum.add_rank(rank);
    return sum;
  }

  void check_result() const {
    const std::uint32_t n = result_.ranks, per_rank = result_.input_chunks;
    const bool split =
        xml_.kind == CollectiveKind::kAllToAll || xml_.kind == CollectiveKind::kReduceScatter;
    if (split && per_rank % n != 0)
      throw UserError(
          fmt::format("{}: {} input chunks are no multiple of {} GPUs", xml_.file, per_rank, n));
    const bool in_input = xml_.in_place && xml_.kind != CollectiveKind::kAllGather;
    const std::uint32_t count = xml_.kind == CollectiveKind::kAllGather       ? n * per_rank
                                : xml_.kind == CollectiveKind::kReduceScatter ? per_rank / n
                                                                              : per_rank;
    for (std::uint32_t g = 0; g < n; ++g) {
      const std::vector<SymbolicSum>& buffer = buffers_[g].at(in_input ? 'i' : 'o');
      // In place, what a rank keeps of a reduce-scatter lies at its own part.
      const std::uint32_t first =
          in_input && xml_.kind == CollectiveKind::kReduceScatter ? g * count : 0;
      for (std::uint32_t c = 0; c < count; ++c)
        if (first + c >= buffer.size() || buffer[first + c] != wanted(g, c))
          throw UserError(fmt::format(
              "{}:{}: does not compute an {}: at the end, chunk {} of gpu {} is {}, not {}",
              xml_.file, xml_.gpus[g].line, to_string(xml_.kind), c, g,
              first + c < buffer.size() ? buffer[first + c].text() : "absent",
              wanted(g, c).text()));
    }
  }

  void collect_sources() {
    for (std::size_t g = 0; g < xml_.gpus.size(); ++g)
      for (std::size_t b = 0; b < xml_.gpus[g].blocks.size(); ++b) {
        const MscclBlock& block = xml_.gpus[g].blocks[b];
        if (received_[g][b] == 0) continue;
        const auto from = static_cast<std::uint32_t>(block.recv);
        result_.sources[g].push_back(
            {from, sending_block({from, g, block.channel}), received_[g][b]});
      }
  }

  [[noreturn]] void fail(std::size_t g, std::size_t b, std::size_t step,
                         const std::string& what) const {
    throw UserError(fmt::format("{}: {}", place_of(xml_, g, b, step), what));
  }

  const MscclAlgorithm& xml_;
  CustomAlgorithm result_;
  std::vector<std::map<char, std::vector<SymbolicSum>>> buffers_;  // by rank
  std::vector<std::vector<std::size_t>> done_;                     // steps, by rank and block
  std::vector<std::vector<std::uint32_t>> received_;               // messages, by rank and block
  std::map<std::size_t, std::vector<Needs>> implied_;  // what a block has waited for so far
  std::map<std::size_t, std::vector<std::vector<Needs>>> history_;  // the same after each step
  std::map<Link, std::deque<Message>> mail_;
};

}  // namespace

CustomAlgorithm execute_msccl(const MscclAlgorithm& algorithm) {
  return Execution(algorithm).run();
}

}  // namespace plait
