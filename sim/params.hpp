// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file params.hpp
/// One declaration per parameter. A parameter struct `S` has a function `describe(ParamVisitor&,
/// S&)` which names every field once: key, help, source of the default, legal range. The field's
/// value at that time is the default. The scenario reader, `plait params`, `plait validate`, the
/// docs and the Python types are all visitors of that one function.
///
///     void describe(ParamVisitor& v, EcnParams& p) {
///       v.field({"k_min", "queue length at which marking starts", "HPCC artefact, 100G"}, p.k_min,
///               {Bytes(1), Bytes::gibi(1)});
///     }

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "sim/units.hpp"

namespace plait {

struct ParamInfo {
  std::string_view name;    ///< Key in the scenario, snake_case.
  std::string_view help;    ///< One sentence; what it means, no unit (the type says it).
  std::string_view source;  ///< Origin of the default: paper, data sheet, or "Plait's choice".
};

/// Inclusive legal range.
template <class T>
struct Range {
  T min;
  T max;
};

/// One legal value of a choice or one preset.
struct Choice {
  std::string_view name;
  std::string_view help;
  std::string_view source = "";
};

class ParamVisitor {
 public:
  virtual ~ParamVisitor() = default;

  virtual void field(const ParamInfo&, Duration& value, Range<Duration>) = 0;
  virtual void field(const ParamInfo&, Bytes& value, Range<Bytes>) = 0;
  virtual void field(const ParamInfo&, BitRate& value, Range<BitRate>) = 0;
  virtual void field(const ParamInfo&, double& value, Range<double>) = 0;
  virtual void field(const ParamInfo&, std::int64_t& value, Range<std::int64_t>) = 0;
  virtual void field(const ParamInfo&, bool& value) = 0;
  virtual void field(const ParamInfo&, std::string& value) = 0;

  /// A nested table: everything until the matching end() stands under the key `info.name`.
  /// @return false if the visitor does not want the inside (then no end() follows).
  virtual bool begin(const ParamInfo& info) = 0;
  virtual void end() = 0;

  /// The key `preset`, to be visited before the fields it changes. @return index of the chosen
  /// preset in `presets`, or -1 when none is chosen: then the values in hand stand.
  virtual int preset(const std::vector<Choice>& presets) = 0;

  /// A choice among enumerators: `choices[i]` is the name of the enumerator with value i.
  template <class Enum>
  void choice(const ParamInfo& info, Enum& value, const std::vector<Choice>& choices) {
    value = static_cast<Enum>(choose(info, static_cast<int>(value), choices));
  }

 private:
  virtual int choose(const ParamInfo& info, int current, const std::vector<Choice>& choices) = 0;
};

/// Runs `describe` on a nested struct under its own key.
template <class Struct>
void nested(ParamVisitor& visitor, const ParamInfo& info, Struct& value) {
  if (!visitor.begin(info)) return;
  describe(visitor, value);
  visitor.end();
}

}  // namespace plait
