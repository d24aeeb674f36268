// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/registry.hpp"

namespace plait {
namespace {

using test::contains;
using test::user_error;

/// Chooses a kind, notes the keys that are asked for and sets whole numbers by name.
class Recorder final : public ParamVisitor {
 public:
  explicit Recorder(std::string kind, std::map<std::string, std::int64_t> values = {})
      : kind_(std::move(kind)), values_(std::move(values)) {}

  void field(const ParamInfo& i, Duration&, Range<Duration>) override { note(i); }
  void field(const ParamInfo& i, Bytes&, Range<Bytes>) override { note(i); }
  void field(const ParamInfo& i, BitRate&, Range<BitRate>) override { note(i); }
  void field(const ParamInfo& i, double&, Range<double>) override { note(i); }
  void field(const ParamInfo& i, std::int64_t& value, Range<std::int64_t>) override {
    note(i);
    const auto place = values_.find(std::string(i.name));
    if (place != values_.end()) value = place->second;
  }
  void field(const ParamInfo& i, bool&) override { note(i); }
  void field(const ParamInfo& i, std::string&) override { note(i); }
  bool begin(const ParamInfo& i) override {
    note(i);
    return true;
  }
  void end() override {}
  int preset(const std::vector<Choice>&) override { return -1; }

  std::vector<std::string> keys;

 private:
  int choose(const ParamInfo& info, int current, const std::vector<Choice>& choices) override {
    note(info);
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (choices[i].name == kind_) return static_cast<int>(i);
    return current;
  }
  void note(const ParamInfo& info) {
    CHECK(!info.help.empty());
    CHECK(!info.source.empty());
    keys.emplace_back(info.name);
  }

  std::string kind_;
  std::map<std::string, std::int64_t> values_;
};

TEST_CASE("every kind has a name, a help, and fields of its own only", "[registry]") {
  const std::map<std::string, std::vector<std::string>> expected = {
      {"leaf_spine", {"kind", "hosts", "hosts_per_leaf", "spines", "uplinks"}},
      {"fat_tree", {"kind", "k", "hosts", "oversubscription"}},
      {"rail_optimized", {"kind", "hosts", "hosts_per_unit", "spines", "uplinks"}},
      {"single_switch", {"kind", "hosts"}},
      {"dumbbell", {"kind", "left", "right", "bottleneck_links"}},
      {"file", {"kind", "path", "format"}}};
  REQUIRE(topology_kinds().size() == expected.size());
  for (const Choice& kind : topology_kinds()) {
    INFO(kind.name);
    CHECK(!kind.help.empty());
    TopologyParams params;
    Recorder recorder{std::string(kind.name)};
    describe(recorder, params);
    CHECK(kind_name(params) == kind.name);
    CHECK(recorder.keys == expected.at(std::string(kind.name)));
  }
}

TEST_CASE("values set through describe reach the fabric", "[registry]") {
  TopologyParams params;
  Recorder recorder("fat_tree", {{"k", 4}, {"hosts", 7}});
  describe(recorder, params);
  CHECK(build_topology(params, {}).hosts().size() == 7);
}

TEST_CASE("the defaults of every generator build", "[registry]") {
  for (std::size_t i = 0; i < topology_kinds().size(); ++i) {
    TopologyParams params{default_topology(i)};
    if (kind_name(params) == "file") continue;
    if (auto* tree = std::get_if<FatTreeParams>(&params.shape)) tree->k = 4;
    INFO(kind_name(params));
    CHECK_NOTHROW(build_topology(params, {}));
  }
}

TEST_CASE("kind file: reads relative to the base folder and validates", "[registry]") {
  std::filesystem::create_directories("registry_test");
  std::ofstream("registry_test/good.txt") << "host a\nswitch s\nlink a s 1Gbps 1us\n";
  std::ofstream("registry_test/parts.txt")
      << "host a\nhost b\nswitch s\nswitch t\nlink a s 1Gbps 1us\nlink b t 1Gbps 1us\n";
  std::ofstream("registry_test/empty.txt");
  FabricParts parts;
  parts.base_dir = "registry_test";
  const auto build_file = [&](const std::string& path) {
    return build_topology({TopologyFileParams{.path = path}}, parts);
  };
  CHECK(build_file("good.txt").gpu_count() == 8);  // gpus of the host shape
  CHECK_THAT(user_error([&] { build_file("parts.txt"); }), contains("no path from a to b"));
  CHECK_THAT(user_error([&] { build_file("empty.txt"); }), contains("empty"));
  CHECK_THAT(user_error([&] { build_file("none.txt"); }),
             contains("none.txt: No such file or directory"));
  CHECK_THAT(user_error([&] { build_file("."); }), contains("Is a directory"));
  CHECK_THAT(user_error([&] { build_file(""); }), contains("path is missing"));
}

}  // namespace
}  // namespace plait
