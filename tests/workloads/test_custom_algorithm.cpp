// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "sim/error.hpp"
#include "tests/workloads/data_movement.hpp"
#include "workloads/collectives/custom.hpp"

using namespace plait;
using plait::testing::DataMovement;

namespace {

const std::string kRing =
    std::string(PLAIT_SOURCE_DIR) + "/tests/workloads/data/custom_ring_ar8/custom_allreduce.xml";

std::string read(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string write(const std::string& text) {
  std::ofstream("custom.xml") << text;
  return "custom.xml";
}

std::string error_of(const std::string& text) {
  try {
    load_custom_algorithm(write(text));
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

// Two GPUs exchange their halves and add: one thread block sends and receives. The second block of
// GPU 0 hands chunk 1 back when the first has added to it, by depid and deps.
const std::string kTwo =
    R"(<algo name="two" coll="allreduce" ngpus="2" nchunksperloop="2" inplace="1">
  <gpu id="0" i_chunks="2" o_chunks="0" s_chunks="1">
    <tb id="0" send="1" recv="1" chan="0">
      <step s="0" type="s" srcbuf="i" srcoff="0" dstbuf="s" dstoff="0" cnt="1"/>
      <step s="1" type="rrc" srcbuf="i" srcoff="1" dstbuf="i" dstoff="1" cnt="1"/>
    </tb>
    <tb id="1" send="1" recv="1" chan="1">
      <step s="0" type="s" srcbuf="i" srcoff="1" dstbuf="i" dstoff="1" cnt="1" depid="0" deps="1"/>
      <step s="1" type="r" srcbuf="i" srcoff="0" dstbuf="i" dstoff="0" cnt="1"/>
    </tb>
  </gpu>
  <gpu id="1" i_chunks="2" o_chunks="0" s_chunks="1">
    <tb id="0" send="0" recv="0" chan="0">
      <step s="0" type="s" srcbuf="i" srcoff="1" dstbuf="i" dstoff="1" cnt="1"/>
      <step s="1" type="r" srcbuf="i" srcoff="0" dstbuf="s" dstoff="0" cnt="1"/>
      <step s="2" type="re" srcbuf="s" srcoff="0" dstbuf="i" dstoff="0" cnt="1"/>
    </tb>
    <tb id="1" send="0" recv="0" chan="1">
      <step s="0" type="s" srcbuf="i" srcoff="0" dstbuf="i" dstoff="0" cnt="1" depid="0" deps="2"/>
      <step s="1" type="r" srcbuf="i" srcoff="1" dstbuf="i" dstoff="1" cnt="1"/>
    </tb>
  </gpu>
</algo>
)";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kTwo;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// @param algorithm, layout  outlive the call.
CollectiveCall call_of(const CustomAlgorithm& algorithm, const GroupLayout& layout, Bytes size) {
  CollectiveCall call;
  call.kind = algorithm.kind;
  call.group_size = algorithm.ranks;
  call.size = size;
  call.algorithm = CollectiveAlgorithm::kCustom;
  call.layout = &layout;
  call.custom = &algorithm;
  return call;
}

}  // namespace

// The executor adds real values and knows nothing of the file.
TEST_CASE("custom: ASTRA-sim's ring of MSCCL moves the data of an all-reduce", "[custom]") {
  const auto algorithm = load_custom_algorithm(kRing);
  CHECK((algorithm->ranks == 8 && algorithm->input_chunks == 8));
  const GroupLayout layout = make_layout(std::vector<std::uint32_t>(8, 0), 1, 1);
  for (const std::int64_t size : {0, 1, 13, 64, 1000}) {
    DataMovement movement(call_of(*algorithm, layout, Bytes(size)), 42);
    INFO(size);
    CHECK(movement.run() == "");
    // A ring: 2 (n - 1) messages of an n-th of the data.
    if (size == 1000) CHECK(movement.sent_bytes(3) == 14 * 125);
  }
}

// Every GPU to every other, one thread block a partner; what lies where is as MSCCL's compiler has
// it (msccl-tools, collectives.py): in place, the input of an all-gather is part `id` of the output
// and the result of a reduce-scatter part `id` of the input.
TEST_CASE("custom: all kinds move their data, in place and not", "[custom]") {
  const auto [coll, in_place] = GENERATE(table<std::string, bool>({{"allgather", false},
                                                                   {"allgather", true},
                                                                   {"reduce_scatter", false},
                                                                   {"reduce_scatter", true},
                                                                   {"alltoall", false}}));
  constexpr int kGpus = 5;
  const bool gather = coll == "allgather", scatter = coll == "reduce_scatter";
  std::string text =
      fmt::format("<algo name=\"x\" coll=\"{}\" ngpus=\"{}\" nchunksperloop=\"1\" inplace=\"{}\">",
                  coll, kGpus, in_place ? 1 : 0);
  for (int g = 0; g < kGpus; ++g) {
    text += fmt::format("<gpu id=\"{}\" i_chunks=\"{}\" o_chunks=\"{}\" s_chunks=\"0\">\n", g,
                        gather ? 1 : kGpus, scatter ? 1 : kGpus);
    // The GPU's own part, by a thread block that talks to nobody.
    const char* own = gather    ? "srcoff=\"0\" dstbuf=\"o\" dstoff=\"{0}\""
                      : scatter ? "srcoff=\"{0}\" dstbuf=\"o\" dstoff=\"0\""
                                : "srcoff=\"{0}\" dstbuf=\"o\" dstoff=\"{0}\"";
    text += "<tb id=\"0\" send=\"-1\" recv=\"-1\" chan=\"0\">";
    if (!in_place)
      text += "<step s=\"0\" type=\"cpy\" srcbuf=\"i\" cnt=\"1\" " +
              fmt::format(fmt::runtime(own), g) + "/>";
    text += "</tb>\n";
    int block = 1;
    for (int p = 0; p < kGpus; ++p) {
      if (p == g) continue;
      const bool from_output = gather && in_place;
      text += fmt::format(
          "<tb id=\"{0}\" send=\"{1}\" recv=\"{1}\" chan=\"0\">\n<step s=\"0\" type=\"s\" "
          "srcbuf=\"{2}\" srcoff=\"{3}\" cnt=\"1\"/>\n",
          block++, p, from_output ? 'o' : 'i',
          from_output ? g
          : gather    ? 0
                      : p);
      if (scatter)
        text += fmt::format(
            "<step s=\"1\" type=\"rrc\" srcbuf=\"{0}\" srcoff=\"{1}\" dstbuf=\"{0}\" "
            "dstoff=\"{1}\" "
            "cnt=\"1\"{2}/>\n",
            in_place ? 'i' : 'o', in_place ? g : 0, in_place ? "" : " depid=\"0\" deps=\"0\"");
      else
        text += fmt::format("<step s=\"1\" type=\"r\" dstbuf=\"o\" dstoff=\"{}\" cnt=\"1\"/>\n", p);
      text += "</tb>\n";
    }
    text += "</gpu>\n";
  }
  const auto algorithm = load_custom_algorithm(write(text + "</algo>"));
  const GroupLayout layout = make_layout(std::vector<std::uint32_t>(kGpus, 0), 1, 1);
  for (const std::int64_t size : {5, 64, 1003}) {
    INFO(coll << " " << in_place << " " << size);
    DataMovement movement(call_of(*algorithm, layout, Bytes(size)), 7);
    CHECK(movement.run() == "");
  }
}

TEST_CASE("custom: steps wait for those of other thread blocks", "[custom]") {
  const auto algorithm = load_custom_algorithm(write(kTwo));
  // The first step of block 1 of GPU 0 waits for block 0's message from GPU 1, then sends.
  const auto& steps = algorithm->steps[0][1];
  REQUIRE(steps.size() == 3);
  CHECK((steps[0].wait_from == 1 && steps[0].wait_channel == 0 && steps[0].wait_count == 1));
  CHECK(steps[1].send_to == 1);
  CHECK((steps[2].wait_from == 1 && steps[2].wait_channel == 1));
}

TEST_CASE("custom: a call that does not fit is refused", "[custom]") {
  const GroupLayout layout = make_layout({0, 0, 0}, 1, 1);
  const auto algorithm = load_custom_algorithm(write(kTwo));
  CollectiveCall call = call_of(*algorithm, layout, Bytes(8));
  CHECK(why_not_custom(call).empty());
  call.group_size = 3;
  CHECK(why_not_custom(call) == "custom.xml:1: 'two' is for 2 ranks, and the group has 3");
  call.kind = CollectiveKind::kAllGather;
  CHECK(why_not_custom(call) == "custom.xml:1: 'two' is for all_reduce, and this is all_gather");
  call.custom = nullptr;
  CHECK(why_not_custom(call) == "it needs a file that describes it");
}

TEST_CASE("custom: the likeliest mistakes and what the user reads", "[custom]") {
  REQUIRE(error_of(kTwo).empty());
  CHECK(error_of("\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!-- by hand -->\n" + kTwo).empty());
  CHECK(error_of("<algo") == "custom.xml:1: not an XML file: Error parsing start element tag");
  CHECK(error_of("") == "custom.xml:1: not an XML file: does not begin with an element");
  CHECK(error_of(kTwo.substr(0, kTwo.find("</gpu>"))) ==
        "custom.xml:11: not an XML file: Start-end tags mismatch");
  // Chakra files of a tool that keeps its input in the metadata hold the XML, too.
  CHECK(error_of("\x0A\x1F schema" + kTwo) ==
        "custom.xml:2: not an XML file: does not begin with an element");
  CHECK(error_of(kTwo + "more") ==
        "custom.xml:24: something follows </algo>, which must be the end");
  CHECK(error_of("\n<other/>") ==
        "custom.xml:2: begins with <other> where <algo> is due; is it from MSCCL?");
  CHECK(error_of(kTwo + "<algo/>") ==
        "custom.xml:24: something follows </algo>, which must be the end");
  CHECK(error_of(with("<gpu id=\"0\"", "<GPU id=\"0\"")).starts_with("custom.xml:"));
  CHECK(error_of(with("coll=\"allreduce\"", "coll=\"allreduse\"")) ==
        "custom.xml:1: coll=\"allreduse\"; did you mean 'allreduce'?; legal: allreduce, allgather, "
        "reduce_scatter, reducescatter, alltoall");
  CHECK(error_of(with("ngpus=\"2\"", "ngpus=\"3\"")) ==
        "custom.xml:1: ngpus=\"3\", but 2 gpu elements follow");
  CHECK(error_of(with("ngpus=\"2\"", "ngpu=\"2\"")) ==
        "custom.xml:1: unknown attribute ngpu; did you mean 'ngpus'?; <algo> has: name proto "
        "nchannels nchunksperloop ngpus coll inplace outofplace minBytes maxBytes redop nthreads");
  CHECK(error_of(with("inplace=\"1\"", "inplace=\"1\" inplace=\"0\"")) ==
        "custom.xml:1: the attribute inplace is there twice");
  CHECK(error_of(with("inplace=\"1\"", "proto=\"LL129\"")) ==
        "custom.xml:1: proto=\"LL129\"; did you mean 'LL128'?; legal: Simple, LL, LL128");
  CHECK(error_of(with("type=\"rrc\"", "type=\"rrx\"")) ==
        "custom.xml:5: gpu 0, tb 0, step 1: unknown type 'rrx'; legal: s r rcs rrc rrcs rrs cpy re "
        "nop");
  CHECK(error_of(with("srcoff=\"0\"", "srcoff=\"2\"")) ==
        "custom.xml:4: gpu 0, tb 0, step 0: chunks 2 to 2 of srcbuf=\"i\", which has 2");
  CHECK(error_of(with("cnt=\"1\"", "cnt=\"x\"")) ==
        "custom.xml:4: gpu 0, tb 0, step 0: cnt=\"x\"; legal: 1 to 65536");
  CHECK(error_of(with("chan=\"1\"", "chan=\"2\"")) ==
        "custom.xml:18: from gpu 0 to gpu 1 on channel 1: 0 thread blocks send and 1 receive; one "
        "each is needed");
  CHECK(error_of(with("depid=\"0\" deps=\"1\"", "depid=\"0\" deps=\"9\"")) ==
        "custom.xml:8: gpu 0, tb 1, step 0: depends on tb 0, step 9, which does not exist");
  CHECK(error_of(with("depid=\"0\" deps=\"1\"", "depid=\"1\" deps=\"1\"")) ==
        "custom.xml:8: gpu 0, tb 1, step 0: waits for tb 1, step 1, which never ends");
  CHECK(error_of(with("id=\"1\" send", "id=\"4\" send")) ==
        "custom.xml:7: gpu 0, tb 1: id=\"4\" where 1 is due; they come in order");
  CHECK_THROWS_WITH(load_custom_algorithm("none.xml"),
                    "none.xml: cannot be read; is there such a file?");
}

// A file of 600 bytes must not cost gigabytes.
TEST_CASE("custom: huge buffers are refused before they are made", "[custom]") {
  std::string text = "<algo name=\"big\" coll=\"allreduce\" ngpus=\"100\" nchunksperloop=\"1\">";
  for (int g = 0; g < 100; ++g)
    text += "<gpu id=\"" + std::to_string(g) +
            "\" i_chunks=\"65536\" o_chunks=\"65536\" s_chunks=\"65536\"/>";
  CHECK(error_of(text + "</algo>") ==
        "custom.xml:1: the buffers of all GPUs have 19660800 chunks together; at most 4194304");
}

// Well-formed, every message has its receiver, and yet no all-reduce.
TEST_CASE("custom: what does not compute its collective is refused", "[custom]") {
  CHECK(error_of(with("type=\"rrc\"", "type=\"r\"")) ==
        "custom.xml:2: does not compute an all_reduce: at the end, chunk 1 of gpu 0 is chunk 1 of "
        "gpu 1, not chunk 1 of gpu 0 + chunk 1 of gpu 1");
  CHECK(error_of(with("type=\"re\" srcbuf=\"s\" srcoff=\"0\" dstbuf=\"i\" dstoff=\"0\"",
                      "type=\"re\" srcbuf=\"s\" srcoff=\"0\" dstbuf=\"i\" dstoff=\"1\"")) ==
        "custom.xml:16: gpu 1, tb 0, step 2: adds chunk 0 to chunk 1");
  std::string ring = read(kRing);
  const std::size_t at = ring.find("rrc", ring.size() / 2);
  ring.replace(at, 3, "r");
  CHECK(error_of(ring).find("does not compute an all_reduce: at the end, chunk ") !=
        std::string::npos);
}

TEST_CASE("custom: mutated and cut files give errors that name the file", "[custom][fuzz]") {
  std::mt19937_64 random(8);
  const std::string whole = read(kRing);
  const auto check = [](const std::string& data) {
    try {
      load_custom_algorithm(write(data));
    } catch (const UserError& error) {
      CHECK(std::string(error.what()).starts_with("custom.xml:"));
    }
  };
  for (int round = 0; round < 1500; ++round) {
    std::string data = round % 10 == 0 ? whole : kTwo;
    for (std::uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % data.size();
      switch (random() % 4) {
        case 0:
          data[at] = static_cast<char>('0' + random() % 10);
          break;
        case 1:
          data.erase(at, random() % 4);
          break;
        case 2:
          data[at] = static_cast<char>(random());
          break;
        default:
          data.insert(at, data.substr(random() % data.size(), random() % 60));
      }
    }
    check(data);
  }
  for (std::size_t length = 0; length < kTwo.size(); length += 7) check(kTwo.substr(0, length));
}
