// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <iterator>
#include <random>
#include <sstream>

#include "chakra_writer.hpp"
#include "sim/error.hpp"
#include "workloads/chakra/node_source.hpp"
#include "workloads/chakra/reader.hpp"

using namespace plait;
using namespace plait::test;
using Catch::Matchers::Contains;

namespace {

const std::string kRecorded =
    PLAIT_SOURCE_DIR "/tests/workloads/data/astrasim_all_reduce/all_reduce.0.et";

std::string small_trace() {
  return trace(
      {with(node(1, kComp), "stream", 7), collective(2, 0, 1000, {1}), node(3, kComp, {2})});
}

struct Frame {
  std::string text;
  std::uint64_t offset = 0;
};

std::vector<Frame> split_frames(const std::string& data) {
  std::stringbuf bytes(data);
  std::vector<Frame> frames;
  std::uint64_t offset = 0;
  for (Frame frame;; frames.push_back(frame)) {
    frame.offset = offset;
    if (!read_chakra_frame(bytes, "t.et", frames.size(), offset, frame.text)) return frames;
  }
}

std::string read_maybe_gzip(const std::filesystem::path& path) {
  TraceInput input(path);
  return {std::istreambuf_iterator<char>(&input), {}};
}

}  // namespace

TEST_CASE("Frames carry the message and its byte offset", "[chakra][framing]") {
  const std::string text = framed("abc") + framed("") + framed(std::string(200, 'x'));
  const std::vector<Frame> frames = split_frames(text);
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].text == "abc");
  CHECK(frames[1].text.empty());
  CHECK(frames[1].offset == 4);
  CHECK(frames[2].offset == 5);
  CHECK(frames[2].text.size() == 200);  // its length takes two bytes
}

TEST_CASE("Broken frames are located", "[chakra][framing][errors]") {
  CHECK_THROWS_WITH(split_frames(framed("abc") + "\x05"
                                                 "xy"),
                    "t.et: byte 4, node 1: a message of 5 bytes, but only 2 bytes are left "
                    "(truncated?)");
  CHECK_THROWS_WITH(split_frames(framed("abc") + "\x85"),
                    Contains("byte 4, node 1: the file ends inside a message length"));
  CHECK_THROWS_WITH(split_frames(std::string(9, '\xff')),
                    Contains("byte 0, node 0: not a message length"));
  // 0x0F << 28 = 4,026,531,840 bytes: refused before any memory is taken for them.
  CHECK_THROWS_WITH(split_frames(std::string("\x80\x80\x80\x80\x0f")),
                    Contains("a message of 4026531840 bytes, more than 64 MiB"));
}

TEST_CASE("A trace may be gzipped, also in several members", "[chakra][framing]") {
  TraceFolder folder("gzip");
  const std::string data = small_trace();
  CHECK(read_maybe_gzip(folder.file("plain.et", data)) == data);
  CHECK(read_maybe_gzip(folder.file("one.et.gz", gzip(data))) == data);
  CHECK(read_maybe_gzip(folder.file("two.et.gz", gzip(data) + gzip("more"))) == data + "more");
  CHECK(read_maybe_gzip(folder.file("name_without_gz", gzip(data))) == data);
  const std::string big(1'000'000, 'z');
  CHECK(read_maybe_gzip(folder.file("big.gz", gzip(big))) == big);
}

TEST_CASE("Broken gzip files are refused", "[chakra][framing][errors]") {
  TraceFolder folder("gzip_errors");
  const std::string packed = gzip(small_trace());
  for (std::size_t cut = 2; cut < packed.size(); ++cut)
    CHECK_THROWS_WITH(read_maybe_gzip(folder.file("cut.et.gz", packed.substr(0, cut))),
                      Contains("truncated"));
  for (const std::string tail : {"garbage", "x", "\x1f"})
    CHECK_THROWS_WITH(read_maybe_gzip(folder.file("tail.et.gz", packed + tail)),
                      Contains("data after the end of the gzip stream"));
  CHECK_THROWS_WITH(read_maybe_gzip(folder.file("not.et.gz", "plain text")),
                    Contains("is not a gzip file"));
  CHECK_THROWS_WITH(read_maybe_gzip(folder.file("empty.et.gz", "")), Contains("empty"));
  CHECK_THROWS_WITH(read_maybe_gzip(folder.path() / "none.et"), Contains("cannot be opened"));
  CHECK_THROWS_WITH(read_maybe_gzip(folder.path()), Contains("is a folder"));
}

TEST_CASE("A trace cut anywhere is refused or ends at a message boundary",
          "[chakra][errors][property]") {
  const std::string data = small_trace();
  TraceFolder folder("cut");
  std::size_t whole = 0;
  for (std::size_t cut = 0; cut < data.size(); ++cut) {
    folder.file("t.0.et", data.substr(0, cut));
    try {
      load_chakra_workload(folder.pattern());
      ++whole;  // cut exactly between two messages
    } catch (const UserError& error) {
      CHECK_THAT(error.what(), Contains("t.0.et"));
    }
  }
  CHECK(whole == 3);  // after the metadata, after op 1 and after op 2
}

TEST_CASE("Random bytes and flipped bits give a UserError or a graph, never a crash",
          "[chakra][errors][property]") {
  const std::string recorded = read_maybe_gzip(kRecorded);
  const std::string small = small_trace();
  TraceFolder folder("fuzz");
  std::mt19937 random(5);
  for (int round = 0; round < 900; ++round) {
    std::string data;
    if (round % 3 == 0) {
      data.resize(random() % 64);
      for (char& c : data) c = static_cast<char>(random());
    } else {
      data = round % 3 == 1 ? recorded : small;
      for (int flips = 1 + round % 4; flips > 0; --flips)
        data[random() % data.size()] ^= static_cast<char>(1U << (random() % 8));
    }
    folder.file("t.0.et", data);
    try {
      load_chakra_workload(folder.pattern());
      TraceOptions options;
      options.strict = true;
      load_chakra_workload(folder.pattern(), options);
    } catch (const UserError&) {
    }
  }
}

TEST_CASE("Messages that are not Chakra's are refused", "[chakra][errors]") {
  TraceFolder text("text");
  text.raw("This is a README, not a trace.\n");
  CHECK_THROWS_AS(load_chakra_workload(text.pattern()), UserError);
  TraceFolder wrong("wrong_node");
  wrong.raw(trace({}) + framed("\xff\xff\xff"));
  CHECK_THROWS_WITH(load_chakra_workload(wrong.pattern()),
                    Contains("t.0.et: byte 7, node 1: not a Chakra node"));
  TraceFolder metadata("wrong_metadata");
  metadata.raw(framed("\x0f"));
  CHECK_THROWS_WITH(load_chakra_workload(metadata.pattern()), Contains("not Chakra metadata"));
  TraceFolder empty_node("empty_node");
  empty_node.raw(trace({}) + framed(""));
  CHECK_THROWS_WITH(load_chakra_workload(empty_node.pattern()), Contains("node type 0 is unknown"));
}
