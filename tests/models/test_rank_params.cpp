// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "models/job_context.hpp"
#include "models/scale_up.hpp"

using namespace plait;

namespace {

/// Checks that every default lies in its range and has a help text and a source.
class RangeCheck final : public ParamVisitor {
 public:
  explicit RangeCheck(int preset) : preset_(preset) {}
  int fields = 0;

  void field(const ParamInfo& info, Duration& v, Range<Duration> r) override { check(info, v, r); }
  void field(const ParamInfo& info, Bytes& v, Range<Bytes> r) override { check(info, v, r); }
  void field(const ParamInfo& info, BitRate& v, Range<BitRate> r) override { check(info, v, r); }
  void field(const ParamInfo& info, double& v, Range<double> r) override { check(info, v, r); }
  void field(const ParamInfo& info, std::int64_t& v, Range<std::int64_t> r) override {
    check(info, v, r);
  }
  void field(const ParamInfo&, bool&) override {}
  void field(const ParamInfo&, std::string&) override {}
  bool begin(const ParamInfo&) override { return true; }
  void end() override {}
  int preset(const std::vector<Choice>& presets) override {
    return preset_ < static_cast<int>(presets.size()) ? preset_ : -1;
  }

 private:
  template <class T>
  void check(const ParamInfo& info, const T& value, Range<T> range) {
    CAPTURE(std::string(info.name));
    CHECK(range.min <= value);
    CHECK(value <= range.max);
    CHECK_FALSE(info.help.empty());
    CHECK_FALSE(info.source.empty());
    ++fields;
  }
  int choose(const ParamInfo&, int current, const std::vector<Choice>& choices) override {
    CHECK(current < static_cast<int>(choices.size()));
    return current;
  }
  int preset_;
};

}  // namespace

TEST_CASE("parameters: defaults and presets are legal and name their source", "[params]") {
  for (int preset = -1; preset < 6; ++preset) {
    CAPTURE(preset);
    RangeCheck visitor(preset);
    GpuParams gpu;
    describe(visitor, gpu);
    ScaleUpParams scale_up;
    describe(visitor, scale_up);
    CollectiveParams collective;
    describe(visitor, collective);
    CHECK(visitor.fields == 8 + 6 + 8);
  }
}

TEST_CASE("a preset chosen in a scenario equals the preset asked for by name", "[params]") {
  RangeCheck third(2);
  GpuParams gpu;
  gpu.compute_scale = 2;
  describe(third, gpu);
  CHECK(gpu.peak_tflops == gpu_preset("h200").peak_tflops);
  CHECK(gpu.memory_rate == gpu_preset("h200").memory_rate);
  CHECK(gpu.compute_scale == 2);
  ScaleUpParams scale_up;
  describe(third, scale_up);
  CHECK(scale_up.rate == scale_up_preset("nvlink5").rate);
  CHECK(scale_up.efficiency == scale_up_preset("nvlink5").efficiency);
}
