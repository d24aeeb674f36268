// SPDX-License-Identifier: Apache-2.0
// The JSON form of Chakra traces, turned node by node into the protobuf form. Keys are those of
// Chakra's feeder (src/feeder/json_node.cpp) and, beside them, those of its protobuf schema.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "sim/error.hpp"
#include "workloads/chakra/node_source.hpp"

namespace plait {

namespace {

using Json = nlohmann::json;

/// By Node.type, as et_def.proto numbers them.
constexpr std::array<std::string_view, 11> kNodeTypes = {
    "INVALID_NODE", "METADATA_NODE",  "MEM_LOAD_NODE",  "MEM_STORE_NODE",
    "COMP_NODE",    "COMM_SEND_NODE", "COMM_RECV_NODE", "COMM_COLL_NODE",
    "STORAGE_NODE", "BATCH_NODE",     "CHECKPOINT_NODE"};

class NodeReader {
 public:
  NodeReader(const Json& json, ChakraPlace& where) : json_(json), where_(where) {}

  void read(chakra::Node& node) {
    node.Clear();
    if (!json_.is_object()) fail("a node must be an object, {\"Id\": ...}");
    for (const std::string_view key : {"Id", "id"})
      if (json_.contains(key)) where_.id = whole(key, json_[key]);
    if (!json_.contains("Id") && !json_.contains("id")) fail("'Id' is missing");
    node.set_id(where_.id);
    bool has_type = false;
    for (const auto& [key, value] : json_.items()) {
      if (key == "Id" || key == "id") continue;
      has_type |= key == "NodeType" || key == "type";
      member(node, key, value);
    }
    if (!has_type) fail("'NodeType' is missing");
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(fmt::format("{}: {}", where_.text(), what));
  }

  std::uint64_t whole(std::string_view key, const Json& value) const {
    if (!value.is_number_unsigned())
      fail(fmt::format("'{}' is not a whole number of 0 or more", key));
    return value.get<std::uint64_t>();
  }

  void member(chakra::Node& node, const std::string& key, const Json& value) {
    if (key == "Name" || key == "name") {
      if (!value.is_string()) fail(fmt::format("'{}' is not text", key));
      node.set_name(value.get<std::string>());
    } else if (key == "NodeType" || key == "type") {
      node.set_type(node_type(key, value));
    } else if (key == "ctrlDeps" || key == "ctrl_deps") {
      ids(key, value, [&](std::uint64_t id) { node.add_ctrl_deps(id); });
    } else if (key == "data_deps" || key == "dataDeps") {
      ids(key, value, [&](std::uint64_t id) { node.add_data_deps(id); });
    } else if (key == "runtime" || key == "duration_micros") {
      if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1e18)
        fail(fmt::format("'{}' is not a number of microseconds of 0 or more", key));
      node.set_duration_micros(static_cast<std::uint64_t>(std::llround(value.get<double>())));
    } else if (key == "inputs") {
      if (value.is_object() && value.contains("values"))
        node.mutable_inputs()->set_values(text_of(value["values"]));
    } else {
      attribute(node, key, value);
    }
  }

  std::uint32_t node_type(std::string_view key, const Json& value) const {
    if (!value.is_string())
      return static_cast<std::uint32_t>(std::min<std::uint64_t>(whole(key, value), UINT32_MAX));
    const std::string name = value.get<std::string>();
    const auto found = std::find(kNodeTypes.begin(), kNodeTypes.end(), name);
    if (found == kNodeTypes.end())
      fail(fmt::format("node type '{}' is unknown{}", name,
                       did_you_mean(name, {kNodeTypes.begin() + 1, kNodeTypes.end()})));
    return static_cast<std::uint32_t>(found - kNodeTypes.begin());
  }

  template <class Add>
  void ids(std::string_view key, const Json& value, const Add& add) const {
    if (!value.is_array()) fail(fmt::format("'{}' is not a list of node ids", key));
    for (const Json& id : value) add(whole(key, id));
  }

  static std::string text_of(const Json& values) {
    if (values.is_string()) return values.get<std::string>();
    if (values.is_array() && values.size() == 1 && values[0].is_string())
      return values[0].get<std::string>();
    return {};
  }

  static void attribute(chakra::Node& node, const std::string& key, const Json& value) {
    chakra::Attribute attribute;
    attribute.set_name(key);
    if (value.is_boolean()) {
      attribute.set_bool_val(value.get<bool>());
    } else if (value.is_number_unsigned()) {
      attribute.set_uint64_val(value.get<std::uint64_t>());
    } else if (value.is_number_integer()) {
      attribute.set_int64_val(value.get<std::int64_t>());
    } else if (value.is_number_float()) {
      attribute.set_double_val(value.get<double>());
    } else if (value.is_string()) {
      attribute.set_string_val(value.get<std::string>());
    } else if (value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& x) {
                 return x.is_number_integer();
               })) {
      for (const Json& x : value) attribute.mutable_int64_list()->add_values(x.get<std::int64_t>());
    } else {
      return;  // null, objects, lists of other things: nothing that Plait reads
    }
    *node.add_attr() = std::move(attribute);
  }

  const Json& json_;
  ChakraPlace& where_;
};

/// PyTorch's own host traces have "nodes" and "schema" instead.
[[noreturn]] void refuse_host_trace(const std::string& file) {
  throw UserError(fmt::format(
      "{}: is a PyTorch host execution trace: it has the calls of the CPU, but neither GPU ops "
      "nor any duration, so it cannot be replayed; give the profiler's trace (Kineto JSON, "
      "torch.profiler's export_chrome_trace), beside which it may lie, or link both with Chakra's "
      "chakra_trace_link and chakra_converter",
      file));
}

}  // namespace

void for_each_chakra_json_node(TraceInput& input, const ChakraVisitor& visit) {
  bool has_graph = false;
  ChakraPlace place{&input.name(), 0, 0, 0};
  chakra::Node node;
  const auto take = [&](const std::string& key) {
    if (key == "nodes") refuse_host_trace(input.name());
    has_graph |= key == "workload_graph";
    return key == "workload_graph";
  };
  for_each_json_value(input, take, [&](const std::string&, const Json& json, std::uint64_t offset) {
    place.offset = offset;
    ++place.number;
    place.id = 0;
    NodeReader(json, place).read(node);
    visit(node, place);
  });
  if (!has_graph)
    throw UserError(
        fmt::format("{}: has no list 'workload_graph'; is this a Chakra trace?", input.name()));
}

}  // namespace plait
