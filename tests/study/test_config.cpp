// SPDX-License-Identifier: Apache-2.0
// The strict reader, `--set`, the resolved printer and the parameter list, on a small struct of
// their own, so that the messages can be compared word by word.
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "study/config_printer.hpp"
#include "study/config_reader.hpp"
#include "study/param_list.hpp"

namespace plait {
namespace {

enum class Shape : std::uint8_t { kRound, kSquare };

struct Item {
  std::string name;
  Duration start{};
};
struct Inner {
  Bytes limit = Bytes::kibi(4);
  double share = 0.5;
  Bytes radius{1}, side{2};
  Shape shape = Shape::kRound;
};
struct Outer {
  BitRate rate = BitRate::gbps(100);
  std::int64_t count = 3;
  bool enabled = true;
  Inner inner;
  std::vector<Item> items;
};

void describe(ParamVisitor& v, Item& p) {
  v.field({"name", "what it is called", ""}, p.name);
  v.field({"start", "when it begins", "at once"}, p.start, {Duration{}, Duration::s(1)});
}
void describe(ParamVisitor& v, Inner& p) {
  const int preset = v.preset({{"small", "little room"}, {"large", "much room"}});
  if (preset == 1) p.limit = Bytes::mebi(1);
  v.field({"limit", "room", "a guess"}, p.limit, {Bytes(1), Bytes::gibi(1)});
  v.field({"share", "part of the room", "a guess"}, p.share, {0.0, 1.0});
  v.choice({"shape", "form of the room", ""}, p.shape, {{"round", "circle"}, {"square", "box"}});
  if (p.shape == Shape::kRound)
    v.field({"radius", "of the circle", ""}, p.radius, {Bytes(1), Bytes(9)});
  else
    v.field({"side", "of the box", ""}, p.side, {Bytes(1), Bytes(9)});
}
void describe(ConfigVisitor& v, Outer& p) {
  v.field({"rate", "speed", "a data sheet"}, p.rate, {BitRate::mbps(1), BitRate::gbps(1000)});
  v.field({"count", "how many", ""}, p.count, {1, 10});
  v.field({"enabled", "whether at all", ""}, p.enabled);
  nested(v, {"inner", "the inside", ""}, p.inner);
  nested_list(v, {"items", "a list", ""}, p.items);
}

struct Read {
  Outer outer;
  std::vector<ResolvedLine> lines;
};

Read read(const std::string& text, const std::vector<std::string>& settings = {}) {
  ConfigNode root = parse_config(text, "s.yaml");
  for (const std::string& setting : settings) apply_setting(root, setting);
  Outer ignored;
  ConfigReader plain(root, true);
  describe(plain, ignored);
  Read result;
  ConfigReader reader(root, plain);
  describe(reader, result.outer);
  reader.finish();
  result.lines = reader.lines();
  return result;
}

std::string error_of(const std::string& text, const std::vector<std::string>& settings = {}) {
  try {
    read(text, settings);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

std::string origin(const Read& read, const std::string& path) {
  for (const ResolvedLine& line : read.lines)
    if (line.path == path) return line.value + " # " + line.origin;
  return "not there";
}

}  // namespace

TEST_CASE("values are read with their units", "[config]") {
  const Outer outer = read(R"(
rate: 400Gbps
enabled: false
inner: {limit: 64KiB, share: 0.25}
items:
  - {name: a}
  - name: b
    start: 1.5us
)")
                          .outer;
  CHECK(outer.rate == BitRate::gbps(400));
  CHECK(outer.count == 3);
  CHECK_FALSE(outer.enabled);
  CHECK(outer.inner.limit == Bytes::kibi(64));
  CHECK(outer.inner.share == 0.25);
  REQUIRE(outer.items.size() == 2);
  CHECK(outer.items[1].name == "b");
  CHECK(outer.items[1].start == Duration::ns(1500));
}

TEST_CASE("each kind of wrong value has its message", "[config]") {
  CHECK(error_of("inner:\n  limt: 4KiB\n") ==
        "s.yaml:2:3: inner.limt: unknown key; did you mean 'limit'? legal keys here: preset, "
        "limit, share, shape, radius");
  CHECK(error_of("colour: red\n") ==
        "s.yaml:1:1: colour: unknown key; legal keys here: rate, count, enabled, inner, items");
  CHECK(error_of("rate: 400\n") ==
        "s.yaml:1:7: rate: rate '400' lacks a unit: write a number and a unit, one of bps Kbps "
        "Mbps Gbps Tbps B/s KB/s MB/s GB/s TB/s (for example 400Gbps)");
  CHECK(error_of("rate: 400gbps\n") ==
        "s.yaml:1:7: rate: rate '400gbps' has an unknown unit 'gbps'; did you mean 'Gbps'?: write "
        "a number and a unit, one of bps Kbps Mbps Gbps Tbps B/s KB/s MB/s GB/s TB/s (for "
        "example 400Gbps)");
  CHECK(error_of("rate: 0bps\n") ==
        "s.yaml:1:7: rate: 0bps is out of range; legal is 1Mbps to 1Tbps");
  CHECK(error_of("rate: -5Gbps\n") ==
        "s.yaml:1:7: rate: -5Gbps is out of range; legal is 1Mbps to 1Tbps");
  CHECK(error_of("count: 11\n") == "s.yaml:1:8: count: 11 is out of range; legal is 1 to 10");
  CHECK(error_of("count: 2.5\n") == "s.yaml:1:8: count: '2.5' is not a whole number");
  CHECK(error_of("count: many\n") == "s.yaml:1:8: count: 'many' is not a whole number");
  CHECK(error_of("inner: {share: nan}\n") == "s.yaml:1:16: inner.share: 'nan' is not a number");
  CHECK(error_of("enabled: yes\n") == "s.yaml:1:10: enabled: 'yes' is not true or false");
  CHECK(error_of("inner: {shape: rond}\n") ==
        "s.yaml:1:16: inner.shape: there is no 'rond'; did you mean 'round'? legal: round, "
        "square");
  CHECK(error_of("inner: {preset: medium}\n") ==
        "s.yaml:1:17: inner.preset: there is no preset 'medium'; legal: small, large");
  CHECK(error_of("inner: 5\n") == "s.yaml:1:8: inner: expected a table of 'key: value'");
  CHECK(error_of("rate: {a: 1}\n") ==
        "s.yaml:1:7: rate: expected a rate such as 400Gbps, found a table");
  CHECK(error_of("rate: [1]\n") ==
        "s.yaml:1:7: rate: expected a rate such as 400Gbps, found a list");
  CHECK(error_of("rate:\ncount: 1\n")
            .find("rate: expected a rate such as 400Gbps, there is "
                  "nothing") != std::string::npos);
  CHECK(error_of("items: {name: a}\n") ==
        "s.yaml:1:8: items: expected a list, one '- key: value ...' per item");
  CHECK(error_of("items:\n  - {name: a, strat: 1us}\n") ==
        "s.yaml:2:15: items.0.strat: unknown key; did you mean 'start'? legal keys here: name, "
        "start");
}

TEST_CASE("text that is no scenario at all is refused", "[config]") {
  CHECK(error_of("rate: 1Gbps\nrate: 2Gbps\n") ==
        "s.yaml:2:1: key 'rate' is given twice, first at line 1");
  CHECK(error_of("") == "s.yaml: is empty");
  CHECK(error_of("- a\n") == "s.yaml:1:1: a scenario is a table of 'key: value' lines");
  CHECK(error_of("rate: [1\n").rfind("s.yaml:2:1: not valid YAML: ", 0) == 0);
  CHECK(error_of("{[a]: 1}\n") == "s.yaml:1:2: a key must be a plain word");
  CHECK(error_of("rate: 1Gbps\n---\nrate: 1Gbps\n") ==
        "s.yaml:3:1: a second YAML document starts here; one is expected");
  // YAML::LoadAll never returns for this one.
  CHECK(error_of(", rate: 1Gbps\n") ==
        "s.yaml:1:1: a second YAML document starts here; one is expected");
  CHECK(error_of("rate: \xff\xfe") == "s.yaml: is not UTF-8 text");
  CHECK(error_of(std::string("rate\0:", 6)) == "s.yaml: is not UTF-8 text");
  CHECK(error_of("rate: " + std::string(100'000, '['))
            .find("lists and tables inside each other too deeply") != std::string::npos);
  CHECK_THROWS_WITH(load_config("nowhere.yaml"), "nowhere.yaml: no such file");
  CHECK_THROWS_WITH(load_config("/dev/zero"),
                    "/dev/zero: is larger than 64 MiB; a scenario is a short YAML file");
  CHECK_THROWS_WITH(load_config("."), ".: is a folder; a scenario is a YAML file");
}

TEST_CASE("aliases and merge keys are copied, but not without bound", "[config]") {
  const Outer outer = read(R"(
inner: &base {limit: 2KiB, share: 0.1}
items: [{name: &n x}, {name: *n}]
)")
                          .outer;
  CHECK(outer.items[1].name == "x");
  ConfigNode merged = parse_config("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n", "s.yaml");
  CHECK(merged.find("b")->find("x")->scalar == "1");
  CHECK(merged.find("b")->find("y")->scalar == "3");
  // Eight levels of nine aliases: 9^8 = 43 million nodes.
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) bomb += "*a" + std::to_string(i - 1) + (j < 8 ? "," : "]\n");
  }
  CHECK(error_of(bomb).find("too many values") != std::string::npos);
  CHECK(error_of("a: &a [*a]\n") == "s.yaml:1:8: an alias stands inside what it repeats");
}

TEST_CASE("--set changes the tree before it is read", "[config]") {
  const std::string text = "inner: {limit: 1KiB}\nitems: [{name: a}, {name: b}]\n";
  CHECK(read(text, {"rate=10Gbps"}).outer.rate == BitRate::gbps(10));
  CHECK(read(text, {"inner.limit=2KiB"}).outer.inner.limit == Bytes::kibi(2));
  CHECK(read(text, {"inner={share: 1}"}).outer.inner.limit == Bytes::kibi(4));
  CHECK(read(text, {"items.1.start=1us"}).outer.items[1].start == Duration::us(1));
  CHECK(read(text, {"items.b.start=2us"}).outer.items[1].start == Duration::us(2));
  CHECK(read(text, {"items=[{name: c}]"}).outer.items.size() == 1);
  CHECK(read(text, {"rate=1Gbps", "rate=2Gbps"}).outer.rate == BitRate::gbps(2));

  CHECK(error_of(text, {"innr.limit=1KiB"}) ==
        "--set innr.limit=1KiB: innr: unknown key; did you mean 'inner'? legal keys here: rate, "
        "count, enabled, inner, items");
  CHECK(error_of(text, {"rate=10"}).rfind("--set rate=10: rate: rate '10' lacks a unit", 0) == 0);
  CHECK(error_of(text, {"rate"}) ==
        "--set rate: write path=value, for example fabric.link.rate=400Gbps");
  CHECK(error_of(text, {"rate="}) == "--set rate=: has no value after '='");
  CHECK(error_of(text, {"inner..limit=1"}) ==
        "--set inner..limit=1: the path has an empty component");
  CHECK(error_of(text, {"items.2.start=1us"}) ==
        "--set items.2.start=1us: items has 2 items, numbered from 0; there is no 2");
  CHECK(error_of(text, {"items.bb.start=1us"}) ==
        "--set items.bb.start=1us: items has no item named 'bb'; did you mean 'b'? write an index "
        "or a name: a, b");
  CHECK(error_of("rate: 1Gbps\n", {"rate.x=1"}) ==
        "--set rate.x=1: rate is a value, it has no 'x' inside");
}

TEST_CASE("every value knows where it came from", "[config]") {
  const Read result = read("rate: 1Gbps\ninner:\n  preset: large\n  share: 0.1\n", {"count=4"});
  CHECK(origin(result, "rate") == "1Gbps # s.yaml:1");
  CHECK(origin(result, "count") == "4 # --set");
  CHECK(origin(result, "enabled") == "true # default");
  CHECK(origin(result, "inner.limit") == "1MiB # preset large");
  CHECK(origin(result, "inner.share") == "0.1 # s.yaml:4");
  CHECK(origin(result, "inner.radius") == "1B # default");
}

TEST_CASE("the resolved text reads back to itself", "[config]") {
  const Read first = read(
      "inner: {preset: large, shape: square}\nitems: [{name: \"a b\\n\\\"c\"}, {name: '1', start: "
      "3ns}]\n");
  const std::string text = print_resolved(first.lines);
  const Read second = read(text);
  CHECK(second.outer.items.at(0).name == "a b\n\"c");
  CHECK(second.outer.inner.limit == Bytes::mebi(1));
  REQUIRE(first.lines.size() == second.lines.size());
  for (std::size_t i = 0; i < first.lines.size(); ++i) {
    CHECK(first.lines[i].path == second.lines[i].path);
    CHECK(first.lines[i].value == second.lines[i].value);
  }
  CHECK(read("rate: 1Gbps\nitems: []\n").lines.back().value == "[]");
}

TEST_CASE("the list of parameters holds what hides behind a choice", "[config]") {
  const std::vector<ListedParam> params = list_params([](ConfigVisitor& visitor) {
    Outer outer;
    describe(visitor, outer);
  });
  std::vector<std::string> paths;
  for (const ListedParam& param : params) paths.push_back(param.path);
  CHECK(paths == std::vector<std::string>{"rate", "count", "enabled", "inner.preset", "inner.limit",
                                          "inner.share", "inner.shape", "inner.side",
                                          "inner.radius", "items.N.name", "items.N.start"});
  CHECK(params[7].only_with == "inner.shape = square");
  CHECK(params[8].only_with == "inner.shape = round");  // of the default, too
  CHECK(filter_params(params, "square").size() == 2);   // the choice and what hides behind it
  CHECK(filter_params(params, "data sheet").size() == 1);
  CHECK(params[0].range == "1Mbps to 1Tbps");
  CHECK(params[0].default_value == "100Gbps");
  CHECK(params[6].range == "round, square");
  CHECK(filter_params(params, "items").size() == 2);
  CHECK(filter_params(params, "room").size() == 3);  // limit, share and shape say it in their help
  CHECK_THROWS_WITH(filter_params(params, "limt"), Catch::Contains("did you mean 'limit'?"));
  CHECK(params_json(params).find("\"source\": \"a data sheet\"") != std::string::npos);
}

}  // namespace plait
