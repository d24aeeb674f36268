// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file param_check.hpp
/// Holds a parameter struct that was filled in by code, not by the scenario reader, against the
/// ranges of its own describe().

#include <sstream>
#include <string>

#include "sim/error.hpp"
#include "sim/params.hpp"

namespace plait {

namespace detail {

class RangeChecker final : public ParamVisitor {
 public:
  explicit RangeChecker(std::string owner) : owner_(std::move(owner)) {}

  void field(const ParamInfo& i, Duration& value, Range<Duration> r) override {
    check(i, value, r);
  }
  void field(const ParamInfo& i, Bytes& value, Range<Bytes> r) override { check(i, value, r); }
  void field(const ParamInfo& i, BitRate& value, Range<BitRate> r) override { check(i, value, r); }
  void field(const ParamInfo& i, double& value, Range<double> r) override { check(i, value, r); }
  void field(const ParamInfo& i, std::int64_t& value, Range<std::int64_t> r) override {
    check(i, value, r);
  }
  void field(const ParamInfo&, bool&) override {}
  void field(const ParamInfo&, std::string&) override {}
  bool begin(const ParamInfo& info) override {
    owner_ += "." + std::string(info.name);
    return true;
  }
  void end() override { owner_.resize(owner_.rfind('.')); }
  int preset(const std::vector<Choice>&) override { return -1; }

 private:
  int choose(const ParamInfo&, int current, const std::vector<Choice>&) override { return current; }

  template <class T>
  void check(const ParamInfo& info, const T& value, const Range<T>& range) const {
    if (value >= range.min && value <= range.max) return;  // false for NaN too
    std::ostringstream text;
    text << owner_ << "." << info.name << " is " << value << ", must be from " << range.min
         << " to " << range.max;
    throw UserError(text.str());
  }

  std::string owner_;
};

}  // namespace detail

/// @throws UserError naming `owner`.field, its value and the legal range.
template <class Struct>
void check_ranges(Struct params, const std::string& owner) {
  detail::RangeChecker checker(owner);
  describe(checker, params);
}

}  // namespace plait
