// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/custom_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <pugixml.hpp>
#include <utility>

#include "sim/error.hpp"

namespace plait {

namespace {

// Limits far above what MSCCL itself runs; they bound what a broken file can cost.
constexpr std::int64_t kMostRanks = 1024, kMostChunks = 1 << 16, kMostBlocks = 64;
constexpr std::size_t kMostBytes = 256U << 20;

const std::vector<std::pair<std::string, CollectiveKind>> kKinds{
    {"allreduce", CollectiveKind::kAllReduce},
    {"allgather", CollectiveKind::kAllGather},
    {"reduce_scatter", CollectiveKind::kReduceScatter},
    {"reducescatter", CollectiveKind::kReduceScatter},
    {"alltoall", CollectiveKind::kAllToAll},
};

const std::vector<std::pair<std::string, CollectiveProtocol>> kProtocols{
    {"Simple", CollectiveProtocol::kSimple},
    {"LL", CollectiveProtocol::kLl},
    {"LL128", CollectiveProtocol::kLl128},
};

const std::vector<std::string> kTypes{"s", "r", "rcs", "rrc", "rrcs", "rrs", "cpy", "re", "nop"};

// What each element may have (MSCCL's parser and the compiler that writes for it). Those that
// Plait has no use for are named so that a misspelt one stands out.
const std::map<std::string, std::vector<std::string>> kAttributes{
    {"algo",
     {"name", "proto", "nchannels", "nchunksperloop", "ngpus", "coll", "inplace", "outofplace",
      "minBytes", "maxBytes", "redop", "nthreads"}},
    {"gpu", {"id", "i_chunks", "o_chunks", "s_chunks"}},
    {"tb", {"id", "send", "recv", "chan"}},
    {"step",
     {"s", "type", "srcbuf", "srcoff", "dstbuf", "dstoff", "cnt", "depid", "deps", "hasdep"}},
};

/// The text of a file and where its lines begin.
class Lines {
 public:
  explicit Lines(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at)
      if (text[at] == '\n') starts_.push_back(at + 1);
  }
  int of(std::ptrdiff_t offset) const {
    const auto at = static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0));
    return static_cast<int>(std::upper_bound(starts_.begin(), starts_.end(), at) - starts_.begin());
  }

 private:
  std::vector<std::size_t> starts_{0};
};

/// One element with its place, for messages.
class Element {
 public:
  Element(pugi::xml_node node, const Lines& lines, const std::string& file, std::string where)
      : node_(node), lines_(&lines), file_(&file), where_(std::move(where)) {
    check_attributes();
  }

  int line() const { return lines_->of(node_.offset_debug()); }
  bool has(const char* key) const { return !node_.attribute(key).empty(); }
  std::string text(const char* key) const {
    if (!has(key)) fail(fmt::format("the attribute {} is missing", key));
    return node_.attribute(key).value();
  }
  std::int64_t number(const char* key, std::int64_t low, std::int64_t high) const {
    const std::string value = text(key);
    std::int64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc() || end != value.data() + value.size() || result < low || result > high)
      fail(fmt::format("{}=\"{}\"; legal: {} to {}", key, value, low, high));
    return result;
  }
  std::int64_t number_or(const char* key, std::int64_t otherwise, std::int64_t low,
                         std::int64_t high) const {
    return has(key) ? number(key, low, high) : otherwise;
  }
  /// The value of the attribute that has one of these names.
  template <class Value>
  Value named(const char* key, const std::vector<std::pair<std::string, Value>>& legal) const {
    const std::string given = text(key);
    std::vector<std::string> names;
    for (const auto& [name, value] : legal) {
      if (name == given) return value;
      names.push_back(name);
    }
    fail(fmt::format("{}=\"{}\"{}; legal: {}", key, given, did_you_mean(given, names),
                     fmt::join(names, ", ")));
  }
  [[noreturn]] void fail(const std::string& what) const { fail_at(line(), what); }

  /// Elements of that name; their ids count from 0 in `id`.
  std::vector<Element> children(const std::string& name, const char* id) const {
    std::vector<Element> result;
    for (const pugi::xml_node child : node_.children()) {
      if (child.type() != pugi::node_element)
        fail(fmt::format("unexpected text '{:.20}'; legal: <{}>", child.value(), name));
      if (name != child.name())
        fail_at(lines_->of(child.offset_debug()),
                fmt::format("unexpected element <{}>; legal: <{}>", child.name(), name));
      const std::string comma = where_.empty() ? "" : ", ";
      Element element(child, *lines_, *file_,
                      fmt::format("{}{}{} {}", where_, comma, name, result.size()));
      if (element.number(id, 0, INT32_MAX) != static_cast<std::int64_t>(result.size()))
        element.fail(fmt::format("{}=\"{}\" where {} is due; they come in order", id,
                                 element.text(id), result.size()));
      result.push_back(std::move(element));
    }
    return result;
  }
  void no_children() const {
    if (node_.first_child()) fail("holds more than attributes");
  }

 private:
  [[noreturn]] void fail_at(int line, const std::string& what) const {
    throw UserError(SourceLocation{*file_, line, 0},
                    where_.empty() ? what : fmt::format("{}: {}", where_, what));
  }
  void check_attributes() const {
    const std::vector<std::string>& legal = kAttributes.at(node_.name());
    std::vector<std::string> seen;
    for (const pugi::xml_attribute attribute : node_.attributes()) {
      const std::string name = attribute.name();
      if (std::find(legal.begin(), legal.end(), name) == legal.end())
        fail(fmt::format("unknown attribute {}{}; <{}> has: {}", name, did_you_mean(name, legal),
                         node_.name(), fmt::join(legal, " ")));
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        fail(fmt::format("the attribute {} is there twice", name));
      seen.push_back(name);
    }
  }

  pugi::xml_node node_;
  const Lines* lines_;
  const std::string* file_;
  std::string where_;
};

MscclStep read_step(const Element& element, const MscclGpu& gpu, const MscclBlock& block) {
  element.no_children();
  MscclStep step;
  step.line = element.line();
  step.type = element.text("type");
  if (std::find(kTypes.begin(), kTypes.end(), step.type) == kTypes.end())
    element.fail(fmt::format("unknown type '{}'; legal: {}", step.type, fmt::join(kTypes, " ")));
  if (step.sends() && block.send < 0) element.fail("sends, but its tb has send=\"-1\"");
  if (step.receives() && block.recv < 0) element.fail("receives, but its tb has recv=\"-1\"");
  step.needs_block = element.number_or("depid", -1, -1, kMostBlocks);
  step.needs_step = element.number_or("deps", -1, -1, INT32_MAX);
  if (step.type == "nop") return step;
  step.count = static_cast<std::uint32_t>(element.number("cnt", 1, kMostChunks));
  const auto range = [&](const std::string& key, char& buffer, std::uint32_t& chunk) {
    const std::string name = element.text((key + "buf").c_str());
    if (name != "i" && name != "o" && name != "s")
      element.fail(fmt::format("{}buf=\"{}\"; legal: i o s", key, name));
    buffer = name[0];
    const std::uint32_t size = buffer == 'i' ? gpu.input : buffer == 'o' ? gpu.output : gpu.scratch;
    chunk = static_cast<std::uint32_t>(element.number((key + "off").c_str(), 0, kMostChunks));
    if (chunk + step.count > size)
      element.fail(fmt::format("chunks {} to {} of {}buf=\"{}\", which has {}", chunk,
                               chunk + step.count - 1, key, name, size));
  };
  if (step.type != "r" && step.type != "rcs") range("src", step.source, step.source_chunk);
  if (step.type != "s" && step.type != "rrs")
    range("dst", step.destination, step.destination_chunk);
  return step;
}

MscclGpu read_gpu(const Element& element, std::uint32_t self, std::uint32_t ranks) {
  MscclGpu gpu;
  gpu.line = element.line();
  const auto chunks = [&](const char* key) {
    return static_cast<std::uint32_t>(element.number(key, 0, kMostChunks));
  };
  gpu.input = chunks("i_chunks");
  gpu.output = chunks("o_chunks");
  gpu.scratch = chunks("s_chunks");
  const std::vector<Element> blocks = element.children("tb", "id");
  if (blocks.size() > kMostBlocks)
    element.fail(fmt::format("{} thread blocks; at most {}", blocks.size(), kMostBlocks));
  for (const Element& one : blocks) {
    MscclBlock block;
    block.line = one.line();
    block.send = one.number("send", -1, ranks - 1);
    block.recv = one.number("recv", -1, ranks - 1);
    block.channel = static_cast<std::uint32_t>(one.number("chan", 0, kMostBlocks));
    if (block.send == self || block.recv == self) one.fail("its peer is the GPU itself");
    for (const Element& step : one.children("step", "s"))
      block.steps.push_back(read_step(step, gpu, block));
    gpu.blocks.push_back(std::move(block));
  }
  return gpu;
}

MscclAlgorithm read_algorithm(const Element& algo, const std::string& file) {
  MscclAlgorithm algorithm;
  algorithm.file = file;
  algorithm.line = algo.line();
  algorithm.name = algo.text("name");
  if (algorithm.name.empty()) algo.fail("name=\"\"; the results need a name to go by");
  algorithm.kind = algo.named("coll", kKinds);
  if (algo.has("proto")) algorithm.protocol = algo.named("proto", kProtocols);
  algorithm.in_place = algo.number_or("inplace", 0, 0, 1) == 1;
  algo.number_or("nchunksperloop", 1, 1, kMostChunks);
  const auto ranks = static_cast<std::uint32_t>(algo.number("ngpus", 2, kMostRanks));
  for (const Element& gpu : algo.children("gpu", "id"))
    algorithm.gpus.push_back(
        read_gpu(gpu, static_cast<std::uint32_t>(algorithm.gpus.size()), ranks));
  if (algorithm.gpus.size() != ranks)
    algo.fail(
        fmt::format("ngpus=\"{}\", but {} gpu elements follow", ranks, algorithm.gpus.size()));
  check_msccl(algorithm);
  return algorithm;
}

}  // namespace

MscclAlgorithm parse_msccl(std::string_view text, const std::string& name) {
  const Lines lines(text);
  const auto fail_at = [&](std::ptrdiff_t offset, const std::string& what) {
    throw UserError(SourceLocation{name, lines.of(offset), 0}, what);
  };
  pugi::xml_document document;
  // As a fragment, or the parser would pass over any text before and after the element.
  const pugi::xml_parse_result parsed = document.load_buffer(
      text.data(), text.size(),
      pugi::parse_default | pugi::parse_fragment | pugi::parse_trim_pcdata, pugi::encoding_utf8);
  if (!parsed) fail_at(parsed.offset, fmt::format("not an XML file: {}", parsed.description()));
  const pugi::xml_node root = document.first_child();
  if (root.type() != pugi::node_element)
    fail_at(root.offset_debug(), "not an XML file: does not begin with an element");
  if (std::string_view(root.name()) != "algo")
    fail_at(root.offset_debug(),
            fmt::format("begins with <{}> where <algo> is due; is it from MSCCL?", root.name()));
  if (root.next_sibling())
    fail_at(root.next_sibling().offset_debug(), "something follows </algo>, which must be the end");
  return read_algorithm(Element(root, lines, name, ""), name);
}

MscclAlgorithm read_msccl(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw UserError(fmt::format("{}: cannot be read; is there such a file?", file));
  std::string text;
  std::vector<char> part(1 << 16);
  while (in.read(part.data(), static_cast<std::streamsize>(part.size())) || in.gcount() > 0) {
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMostBytes)
      throw UserError(
          fmt::format("{}: larger than {} MiB, so hardly an algorithm", file, kMostBytes >> 20));
  }
  if (in.bad()) throw UserError(fmt::format("{}: cannot be read", file));
  return parse_msccl(text, file);
}

}  // namespace plait
