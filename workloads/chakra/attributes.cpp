// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/attributes.hpp"

#include <fmt/format.h>

#include <cmath>

#include "sim/error.hpp"
#include "workloads/int_list.hpp"

namespace plait {

namespace {

using chakra::Attribute;

/// The value as a double when it is a number of any type; exact below 2^53.
std::optional<double> as_number(const Attribute& attribute) {
  switch (attribute.value_case()) {
    case Attribute::kDoubleVal:
      return attribute.double_val();
    case Attribute::kFloatVal:
      return attribute.float_val();
    case Attribute::kInt32Val:
      return attribute.int32_val();
    case Attribute::kInt64Val:
      return static_cast<double>(attribute.int64_val());
    case Attribute::kUint32Val:
      return attribute.uint32_val();
    case Attribute::kUint64Val:
      return static_cast<double>(attribute.uint64_val());
    case Attribute::kSint32Val:
      return attribute.sint32_val();
    case Attribute::kSint64Val:
      return static_cast<double>(attribute.sint64_val());
    case Attribute::kFixed32Val:
      return attribute.fixed32_val();
    case Attribute::kFixed64Val:
      return static_cast<double>(attribute.fixed64_val());
    case Attribute::kSfixed32Val:
      return attribute.sfixed32_val();
    case Attribute::kSfixed64Val:
      return static_cast<double>(attribute.sfixed64_val());
    case Attribute::kBoolVal:
      return attribute.bool_val() ? 1.0 : 0.0;
    case Attribute::kStringVal:
    case Attribute::kInt64List:
    case Attribute::VALUE_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

}  // namespace

const Attribute* ChakraAttributes::find(std::string_view name) const {
  const Attribute* last = nullptr;
  for (const Attribute& attribute : node_.attr())
    if (attribute.name() == name) last = &attribute;
  return last;
}

std::optional<std::int64_t> ChakraAttributes::integer(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  const std::optional<double> number = as_number(*attribute);
  if (!number || std::trunc(*number) != *number || std::abs(*number) > kExactIntegers)
    throw UserError(fmt::format("{}: attribute '{}' is not a whole number", where_.text(), name));
  return static_cast<std::int64_t>(*number);
}

std::optional<std::int64_t> ChakraAttributes::at_most(std::string_view name,
                                                      std::int64_t max) const {
  const std::optional<std::int64_t> value = integer(name);
  if (value && (*value < 0 || *value > max))
    throw UserError(fmt::format("{}: attribute '{}' is {}, legal is 0 to {}", where_.text(), name,
                                *value, max));
  return value;
}

std::int64_t ChakraAttributes::required(std::string_view name, std::int64_t max,
                                        std::string_view use) const {
  const std::optional<std::int64_t> value = at_most(name, max);
  if (!value)
    throw UserError(
        fmt::format("{}: attribute '{}', the {}, is missing", where_.text(), name, use));
  return *value;
}

double ChakraAttributes::amount(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return 0;
  const std::optional<double> number = as_number(*attribute);
  if (!number || !std::isfinite(*number) || *number < 0)
    throw UserError(
        fmt::format("{}: attribute '{}' is not a number of 0 or more", where_.text(), name));
  return *number;
}

std::string ChakraAttributes::text(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return {};
  if (attribute->value_case() == Attribute::kStringVal) return attribute->string_val();
  return fmt::format("{}", *integer(name));
}

std::vector<std::int64_t> ChakraAttributes::list(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return {};
  const auto fail = [&] {
    throw UserError(fmt::format("{}: attribute '{}' is not a list of whole numbers of 0 or more",
                                where_.text(), name));
  };
  std::vector<std::int64_t> result;
  if (attribute->value_case() == Attribute::kInt64List) {
    result.assign(attribute->int64_list().values().begin(), attribute->int64_list().values().end());
  } else {
    if (attribute->value_case() != Attribute::kStringVal) fail();
    const std::optional<std::vector<std::int64_t>> numbers =
        parse_int_list(attribute->string_val());
    if (!numbers) fail();
    result = *numbers;
  }
  for (const std::int64_t number : result)
    if (number < 0) fail();
  return result;
}

}  // namespace plait
