// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/custom.hpp"

#include <fmt/format.h>

#include <memory>

#include "sim/error.hpp"
#include "workloads/collectives/algorithms.hpp"
#include "workloads/collectives/custom_xml.hpp"

namespace plait {

namespace {

class CustomSchedule final : public CollectiveSchedule {
 public:
  explicit CustomSchedule(const CollectiveCall& call) : call_(call) {}

  std::uint32_t channels() const override { return static_cast<std::uint32_t>(blocks().size()); }
  std::uint32_t step_count(std::uint32_t channel) const override {
    return static_cast<std::uint32_t>(blocks()[channel].size());
  }
  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override {
    const CustomStep& from = blocks()[channel][index];
    CollectiveStep step;
    step.send_to = from.send_to;
    for (const CustomChunk& chunk : from.chunks) step.send_bytes += Bytes(extent(chunk).bytes);
    if (call_.custom->input_chunks == 0) {
      step.send_bytes = Bytes(scaled(from.bytes.count()));
      step.work = Duration::ps(scaled(from.work.ps()));
    }
    step.wait_from = from.wait_from;
    step.wait_count = from.wait_count;
    if (from.wait_from != kNoPeer) step.wait_channel = from.wait_channel;
    return step;
  }
  std::vector<CollectiveSource> sources() const override {
    return call_.custom->sources[call_.position];
  }
  std::vector<DataRange> payload(std::uint32_t channel, std::uint32_t index) const override {
    const CustomStep& step = blocks()[channel][index];
    std::vector<DataRange> ranges;
    for (const CustomChunk& chunk : step.chunks)
      ranges.push_back({extent(chunk).begin, extent(chunk).bytes, step.reduce});
    return ranges;
  }

 private:
  const std::vector<std::vector<CustomStep>>& blocks() const {
    return call_.custom->steps[call_.position];
  }
  /// Where the chunk lies in the addresses of DataRange.
  Extent extent(const CustomChunk& chunk) const {
    const bool own =
        call_.kind == CollectiveKind::kAllGather || call_.kind == CollectiveKind::kAllToAll;
    const Extent input{own ? call_.size.count() * chunk.owner : 0, call_.size.count()};
    return cut(input, call_.custom->input_chunks, chunk.index);
  }

  /// Rounded up, so that no data are lost.
  std::int64_t scaled(std::int64_t in_file) const {
    __extension__ using Wide = __int128;
    const Wide whole = call_.custom->written_for.count();
    const Wide result = (Wide{in_file} * call_.size.count() + whole - 1) / whole;
    constexpr std::int64_t kMost = std::int64_t{1} << 60;
    if (result > kMost)
      throw UserError(fmt::format("{}: scaled from {} to {} a step exceeds all range",
                                  call_.custom->place, to_string(call_.custom->written_for),
                                  to_string(call_.size)));
    return static_cast<std::int64_t>(result);
  }

  CollectiveCall call_;
};

}  // namespace

std::shared_ptr<const CustomAlgorithm> load_custom_algorithm(const std::string& file) {
  return std::make_shared<const CustomAlgorithm>(execute_msccl(read_msccl(file)));
}

std::string why_not_custom(const CollectiveCall& call) {
  if (call.custom == nullptr) return "it needs a file that describes it";
  const CustomAlgorithm& algorithm = *call.custom;
  if (call.kind != algorithm.kind)
    return fmt::format("{}: '{}' is for {}, and this is {}", algorithm.place, algorithm.name,
                       to_string(algorithm.kind), to_string(call.kind));
  if (call.group_size != algorithm.ranks)
    return fmt::format("{}: '{}' is for {} ranks, and the group has {}", algorithm.place,
                       algorithm.name, algorithm.ranks, call.group_size);
  return {};
}

std::unique_ptr<CollectiveSchedule> make_custom_schedule(const CollectiveCall& call) {
  return std::make_unique<CustomSchedule>(call);
}

}  // namespace plait
