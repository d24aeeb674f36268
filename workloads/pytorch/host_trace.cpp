// SPDX-License-Identifier: Apache-2.0
#include "workloads/pytorch/host_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "sim/error.hpp"
#include "sim/spill_sort.hpp"
#include "workloads/pytorch/tensor_bytes.hpp"
#include "workloads/trace_input.hpp"

namespace plait {

SpillVector<CommCall> read_host_calls(const std::filesystem::path& file, NameTable& texts) {
  using Json = nlohmann::json;
  TraceInput input(file);
  SpillVector<std::pair<std::uint64_t, CommCall>> calls;
  bool has_nodes = false;
  for_each_json_value(
      input,
      [&](const std::string& key) {
        has_nodes |= key == "nodes";
        return key == "nodes";
      },
      [&](const std::string&, const Json& node, std::uint64_t offset) {
        if (!node.is_object() || !node.contains("name") || !node["name"].is_string()) return;
        const std::string name = node["name"].get<std::string>();
        if (!name.starts_with("nccl:")) return;
        if (!node.contains("id") || !node["id"].is_number_unsigned())
          throw UserError(
              fmt::format("{}: byte {}: a node without its 'id'", input.name(), offset));
        CommCall call;
        call.name = texts.number_of(name.substr(5));
        // 1.0.1 has "input_shapes"; since 1.0.2 there is "inputs" with "shapes".
        if (node.contains("input_shapes") && node.contains("input_types"))
          call.in_bytes = tensor_bytes(node["input_shapes"], node["input_types"]);
        else if (node.contains("inputs") && node["inputs"].is_object() &&
                 node["inputs"].contains("shapes") && node["inputs"].contains("types"))
          call.in_bytes = tensor_bytes(node["inputs"]["shapes"], node["inputs"]["types"]);
        calls.emplace_back(node["id"].get<std::uint64_t>(), std::move(call));
      });
  if (!has_nodes)
    throw UserError(
        fmt::format("{}: has no list 'nodes'; is this a host execution trace?", input.name()));
  spill_stable_sort(calls, [](const auto& a, const auto& b) { return a.first < b.first; });
  SpillVector<CommCall> result;
  for (auto& [id, call] : calls) result.push_back(std::move(call));
  return result;
}

std::filesystem::path host_trace_beside(const std::filesystem::path& kineto) {
  constexpr std::string_view kWord = "kineto";
  std::string name = kineto.filename().string();
  const std::size_t at = name.rfind(kWord);
  if (at == std::string::npos) return {};
  name.replace(at, kWord.size(), "et");
  return kineto.parent_path() / name;
}

}  // namespace plait
