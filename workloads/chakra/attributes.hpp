// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file attributes.hpp
/// The named attributes of one Chakra node. Writers differ in the type they give a number, so a
/// value is taken from whatever field it stands in.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/chakra/chakra.pb.h"
#include "workloads/chakra/node_source.hpp"

namespace plait {

class ChakraAttributes {
 public:
  /// Both must outlive this object.
  ChakraAttributes(const chakra::Node& node, const ChakraPlace& where)
      : node_(node), where_(where) {}

  /// A whole number (or a truth value, as 0 or 1). @throws UserError when it is something else.
  std::optional<std::int64_t> integer(std::string_view name) const;
  /// As integer(), within [0, max].
  std::optional<std::int64_t> at_most(std::string_view name, std::int64_t max) const;
  /// As at_most(), but it must be there. `use` says what for.
  std::int64_t required(std::string_view name, std::int64_t max, std::string_view use) const;
  /// Finite and not negative; 0 when absent.
  double amount(std::string_view name) const;
  /// Text, or a whole number as text; empty when absent.
  std::string text(std::string_view name) const;
  /// Whole numbers of 0 or more: a list, or text like "[1, 2]"; empty when absent.
  std::vector<std::int64_t> list(std::string_view name) const;

 private:
  const chakra::Attribute* find(std::string_view name) const;

  const chakra::Node& node_;
  const ChakraPlace& where_;
};

}  // namespace plait
