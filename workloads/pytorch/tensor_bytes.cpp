// SPDX-License-Identifier: Apache-2.0
#include "workloads/pytorch/tensor_bytes.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "workloads/pytorch/comm_names.hpp"

namespace plait {

namespace {

using Json = nlohmann::json;
constexpr double kMostElements = 35184372088832.0;  // 2^45

/// Elements of a tensor, [4, 2048], or of a list of tensors, [[4], [8]]; below 0 if it is neither.
double elements(const Json& shape) {
  double product = 1;
  double sum = 0;
  bool is_list = false;
  for (const Json& item : shape) {
    if (item.is_array()) {
      is_list = true;
      const double inner = elements(item);
      if (inner < 0) return -1;
      sum += inner;
    } else if (item.is_number_unsigned()) {
      product *= item.get<double>();
    } else {
      return -1;
    }
  }
  return is_list ? sum : product;
}

}  // namespace

std::optional<std::int64_t> tensor_bytes(const Json& shapes, const Json& types) {
  if (!shapes.is_array() || !types.is_array() || shapes.size() != types.size() || shapes.empty())
    return std::nullopt;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!shapes[i].is_array() || !types[i].is_string()) return std::nullopt;
    const auto size = element_size(types[i].get<std::string>());
    const double count = elements(shapes[i]);
    if (!size || count < 0 || count > kMostElements) return std::nullopt;
    bytes += static_cast<std::int64_t>(count) * *size;
  }
  return bytes;
}

}  // namespace plait
