// SPDX-License-Identifier: Apache-2.0
#include "workloads/pytorch/comm_names.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace plait {

namespace {

/// Small letters and digits only, without what stands around the name.
std::string plain(std::string_view name) {
  if (name.starts_with("nccl:")) name.remove_prefix(5);
  std::string result;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// The first that the name begins with counts.
constexpr std::array<std::pair<std::string_view, CollectiveKind>, 9> kCollectives = {{
    {"allreduce", CollectiveKind::kAllReduce},
    {"allgather", CollectiveKind::kAllGather},
    {"alltoall", CollectiveKind::kAllToAll},
    {"reducescatter", CollectiveKind::kReduceScatter},
    {"reduce", CollectiveKind::kReduce},
    {"broadcast", CollectiveKind::kBroadcast},
    {"gather", CollectiveKind::kGather},
    {"scatter", CollectiveKind::kScatter},
    {"barrier", CollectiveKind::kBarrier},
}};

constexpr std::array<std::pair<std::string_view, std::int64_t>, 26> kElementSizes = {{
    {"double", 8},
    {"float64", 8},
    {"longint", 8},
    {"long", 8},
    {"int64", 8},
    {"complexfloat", 8},
    {"float", 4},
    {"float32", 4},
    {"int", 4},
    {"int32", 4},
    {"half", 2},
    {"c10half", 2},
    {"float16", 2},
    {"bfloat16", 2},
    {"c10bfloat16", 2},
    {"short", 2},
    {"int16", 2},
    {"byte", 1},
    {"unsignedchar", 1},
    {"uint8", 1},
    {"char", 1},
    {"signedchar", 1},
    {"int8", 1},
    {"bool", 1},
    {"c10complexdouble", 16},
    {"complexdouble", 16},
}};

}  // namespace

std::optional<CollectiveKind> collective_of(std::string_view name) {
  const std::string text = plain(name);
  for (const auto& [prefix, kind] : kCollectives)
    if (text.starts_with(prefix)) return kind;
  return std::nullopt;
}

bool is_send(std::string_view name) {
  const std::string text = plain(name);
  return text.starts_with("send") && !text.starts_with("sendrecv");
}

bool is_recv(std::string_view name) { return plain(name).starts_with("recv"); }

std::optional<std::int64_t> element_size(std::string_view type) {
  for (const std::string_view around : {"GenericList[", "TensorList[", "Tensor("})
    if (type.starts_with(around)) type.remove_prefix(around.size());
  if (type.starts_with("Tensor(")) type.remove_prefix(7);
  type = type.substr(0, type.find_first_of(",)]"));
  const std::string text = plain(type);
  if (text.starts_with("float8") || text.starts_with("c10float8")) return 1;
  for (const auto& [name, size] : kElementSizes)
    if (text == name) return size;
  return std::nullopt;
}

}  // namespace plait
