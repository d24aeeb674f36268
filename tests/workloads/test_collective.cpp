// SPDX-License-Identifier: Apache-2.0
// The schedules are executed on real vectors with random message delivery (first in, first out per
// pair and channel only), and the values at the end are compared with the definition of the
// collective. The test cuts the data by itself, from the documented rule; a message whose size
// differs from the piece that the algorithm must send at that step is a failure.
#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <numeric>
#include <random>

#include "workloads/collectives/collective.hpp"

using namespace plait;

namespace {

using Ring = std::vector<std::uint32_t>;
using Data = std::vector<std::uint64_t>;

/// One value per byte. What a rank holds; the meaning of the indices depends on the collective.
struct Message {
  Data values;
  std::size_t begin = 0;  ///< Where the values go at the receiver.
  bool add = false;       ///< Reduce into what is there.
};

struct Case {
  CollectiveKind kind = CollectiveKind::kAllReduce;
  std::uint32_t n = 2;
  std::int64_t size = 0;
  std::int64_t max_chunk = 1;
  std::uint32_t root = 0;
  GroupLayout layout;  // only its rings matter to these algorithms
};

/// First byte of part `index`: the first size % parts are one longer than the others.
std::size_t part_begin(std::int64_t size, std::int64_t parts, std::int64_t index) {
  return static_cast<std::size_t>(size / parts * index + std::min(index, size % parts));
}

std::uint32_t below(std::mt19937& random, std::size_t limit) {
  return static_cast<std::uint32_t>(random() % limit);
}

std::uint64_t input(std::uint32_t rank, std::size_t i) {
  return (std::uint64_t{rank} + 1) * 1'000'003 + i * 17;
}

class Execution {
 public:
  Execution(const Case& c, std::uint32_t seed) : c_(c), random_(seed) {
    for (std::uint32_t p = 0; p < c_.n; ++p) {
      CollectiveCall call;
      call.kind = c_.kind;
      call.size = Bytes(c_.size);
      call.group_size = c_.n;
      call.position = p;
      call.root = c_.root;
      call.max_chunk = Bytes(c_.max_chunk);
      call.layout = &c_.layout;
      schedules_.push_back(make_schedule(call));
      buffers_.push_back(initial(p));
      next_step_.emplace_back(schedules_[p]->channels(), 0);
      sent_bytes_.push_back(0);
    }
  }

  void run() {
    for (std::uint32_t p = 0; p < c_.n; ++p) post(p);
    while (!in_flight_.empty()) {
      auto it = in_flight_.begin();
      std::advance(it, below(random_, in_flight_.size()));
      const auto [from, to, channel] = it->first;
      deliver(to, it->second.front());
      it->second.pop_front();
      if (it->second.empty()) in_flight_.erase(it);
      ++received_[{to, from, channel}];
      post(to);
    }
  }

  void check() const {
    for (std::uint32_t p = 0; p < c_.n; ++p) {
      for (std::uint32_t channel = 0; channel < schedules_[p]->channels(); ++channel)
        REQUIRE(next_step_[p][channel] == schedules_[p]->step_count(channel));
      REQUIRE(result(p) == expected(p));
    }
    std::map<Key, std::uint32_t> promised;
    for (std::uint32_t p = 0; p < c_.n; ++p)
      for (const CollectiveSource& source : schedules_[p]->sources())
        promised[{p, source.from, source.channel}] += source.count;
    REQUIRE(promised == received_);
  }

  std::int64_t sent_bytes(std::uint32_t p) const { return sent_bytes_[p]; }

 private:
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;

  // Layouts: all-reduce, reduce-scatter, broadcast: `size` bytes. All-gather: n inputs one after
  // another. All-to-all: the input, then one output area per source.
  Data initial(std::uint32_t p) const {
    const auto size = static_cast<std::size_t>(c_.size);
    Data data;
    if (c_.kind == CollectiveKind::kAllGather) {
      data.assign(size * c_.n, 0);
      for (std::size_t i = 0; i < size; ++i) data[p * size + i] = input(p, i);
    } else if (c_.kind == CollectiveKind::kBroadcast) {
      data.assign(size, 0);
      for (std::size_t i = 0; i < size && p == c_.root; ++i) data[i] = input(p, i);
    } else {
      for (std::size_t i = 0; i < size; ++i) data.push_back(input(p, i));
    }
    if (c_.kind == CollectiveKind::kAllToAll) data.resize(output_area(c_.n), 0);
    return data;
  }

  /// All-to-all: where the block from `source` goes, behind the input.
  std::size_t output_area(std::uint32_t source) const {
    return static_cast<std::size_t>(c_.size * (1 + source));
  }

  std::size_t block(std::uint32_t p) const {  // first byte of position p's part of `size` bytes
    return part_begin(c_.size, c_.n, p);
  }
  std::int64_t channels() const { return static_cast<std::int64_t>(schedules_[0]->channels()); }
  std::int64_t lanes() const {
    const std::int64_t pieces =
        c_.kind == CollectiveKind::kAllGather || c_.kind == CollectiveKind::kBroadcast
            ? channels()
            : channels() * c_.n;
    const std::int64_t largest = (c_.size + pieces - 1) / pieces;
    return std::max<std::int64_t>(1, (largest + c_.max_chunk - 1) / c_.max_chunk);
  }

  Data result(std::uint32_t p) const {
    if (c_.kind == CollectiveKind::kReduceScatter)
      return {buffers_[p].begin() + static_cast<std::ptrdiff_t>(block(p)),
              buffers_[p].begin() + static_cast<std::ptrdiff_t>(block(p + 1))};
    if (c_.kind != CollectiveKind::kAllToAll) return buffers_[p];
    Data output;
    for (std::uint32_t source = 0; source < c_.n; ++source)
      for (std::size_t i = 0; i < block(p + 1) - block(p); ++i)
        output.push_back(source == p ? input(p, block(p) + i)
                                     : buffers_[p][output_area(source) + i]);
    return output;
  }

  Data expected(std::uint32_t p) const {
    const auto size = static_cast<std::size_t>(c_.size);
    Data data;
    const auto sum_of = [&](std::size_t i) {
      std::uint64_t sum = 0;
      for (std::uint32_t q = 0; q < c_.n; ++q) sum += input(q, i);
      return sum;
    };
    switch (c_.kind) {
      case CollectiveKind::kAllReduce:
        for (std::size_t i = 0; i < size; ++i) data.push_back(sum_of(i));
        break;
      case CollectiveKind::kReduceScatter:
        for (std::size_t i = block(p); i < block(p + 1); ++i) data.push_back(sum_of(i));
        break;
      case CollectiveKind::kAllGather:
        for (std::uint32_t q = 0; q < c_.n; ++q)
          for (std::size_t i = 0; i < size; ++i) data.push_back(input(q, i));
        break;
      case CollectiveKind::kBroadcast:
        for (std::size_t i = 0; i < size; ++i) data.push_back(input(c_.root, i));
        break;
      case CollectiveKind::kAllToAll:
        for (std::uint32_t q = 0; q < c_.n; ++q)
          for (std::size_t i = block(p); i < block(p + 1); ++i) data.push_back(input(q, i));
        break;
      default:
        break;
    }
    return data;
  }

  void post(std::uint32_t p) {
    for (std::uint32_t channel = 0; channel < schedules_[p]->channels(); ++channel) {
      std::uint32_t& next = next_step_[p][channel];
      while (next < schedules_[p]->step_count(channel)) {
        const CollectiveStep step = schedules_[p]->step(channel, next);
        if (step.wait_from != kNoPeer && received_[{p, step.wait_from, channel}] < step.wait_count)
          break;
        send(p, channel, next, step);
        ++next;
      }
    }
  }

  void send(std::uint32_t p, std::uint32_t channel, std::uint32_t index,
            const CollectiveStep& step) {
    if (step.send_to == kNoPeer) return;
    const auto [source, target, length, add] = moved(p, channel, index, step);
    REQUIRE(step.send_bytes.count() == static_cast<std::int64_t>(length));
    Message message;
    message.add = add;
    message.begin = target;
    for (std::size_t i = 0; i < length; ++i) message.values.push_back(buffers_[p][source + i]);
    sent_bytes_[p] += step.send_bytes.count();
    in_flight_[{p, step.send_to, channel}].push_back(message);
  }

  struct Move {
    std::size_t source, target, length;
    bool add;
  };

  /// What the algorithm must send in this step, from its textbook description.
  Move moved(std::uint32_t p, std::uint32_t channel, std::uint32_t index,
             const CollectiveStep& step) const {
    if (c_.kind == CollectiveKind::kBarrier) return {0, 0, 0, false};
    const std::int64_t round = index / lanes();
    const std::int64_t lane = index % lanes();
    const std::int64_t n = c_.n;
    if (c_.kind == CollectiveKind::kAllToAll) {
      REQUIRE(step.send_to == (p + round + 1) % n);
      // A block of b bytes goes in ceil(b / max_chunk) messages.
      const auto bytes = static_cast<std::int64_t>(block(step.send_to + 1) - block(step.send_to));
      const std::int64_t messages = (bytes + c_.max_chunk - 1) / c_.max_chunk;
      const std::size_t begin = part_begin(bytes, messages, lane);
      Move move{block(step.send_to) + begin, 0, part_begin(bytes, messages, lane + 1) - begin,
                false};
      move.target = output_area(p) + move.source - block(step.send_to);
      return move;
    }
    const Ring& ring = c_.layout.rings[channel];
    const auto me = std::find(ring.begin(), ring.end(), p) - ring.begin();
    REQUIRE(step.send_to == ring[static_cast<std::size_t>((me + 1) % n)]);
    if (c_.kind == CollectiveKind::kBroadcast) return range(1, 0, channel, index, 0, false);
    if (c_.kind == CollectiveKind::kAllGather) {
      const std::uint32_t owner = ring[static_cast<std::size_t>((me + n - round) % n)];
      return range(1, 0, channel, lane, owner * static_cast<std::size_t>(c_.size), false);
    }
    const std::uint32_t piece = ring[static_cast<std::size_t>((me + 2 * n - 1 - round) % n)];
    return range(c_.n, piece, channel, lane, 0, round < n - 1);
  }

  Move range(std::int64_t pieces, std::int64_t piece, std::int64_t channel, std::int64_t lane,
             std::size_t offset, bool add) const {
    std::size_t begin = 0;
    std::int64_t length = c_.size;
    const auto cut = [&](std::int64_t parts, std::int64_t index) {
      const std::size_t first = part_begin(length, parts, index);
      length = static_cast<std::int64_t>(part_begin(length, parts, index + 1) - first);
      begin += first;
    };
    cut(pieces, piece);
    cut(channels(), channel);
    cut(lanes(), lane);
    return {offset + begin, offset + begin, static_cast<std::size_t>(length), add};
  }

  void deliver(std::uint32_t to, const Message& message) {
    for (std::size_t i = 0; i < message.values.size(); ++i) {
      std::uint64_t& value = buffers_[to][message.begin + i];
      value = message.add ? value + message.values[i] : message.values[i];
    }
  }

  Case c_;
  std::mt19937 random_;
  std::vector<std::unique_ptr<CollectiveSchedule>> schedules_;
  std::vector<Data> buffers_;
  std::vector<std::vector<std::uint32_t>> next_step_;
  std::vector<std::int64_t> sent_bytes_;
  std::map<Key, std::deque<Message>> in_flight_;
  std::map<Key, std::uint32_t> received_;  ///< By (receiver, sender, channel).
};

std::vector<Ring> random_rings(std::uint32_t n, std::uint32_t count, std::mt19937& random) {
  std::vector<Ring> rings(count, Ring(n));
  for (Ring& ring : rings) {
    std::iota(ring.begin(), ring.end(), 0U);
    std::shuffle(ring.begin(), ring.end(), random);
  }
  return rings;
}

Ring identity_ring(std::uint32_t n) {
  Ring ring(n);
  std::iota(ring.begin(), ring.end(), 0U);
  return ring;
}

}  // namespace

TEST_CASE("Every schedule computes its collective whatever the order of delivery",
          "[collective][property]") {
  const auto kind = static_cast<CollectiveKind>(GENERATE(0, 1, 2, 3, 4, 5));
  CAPTURE(to_string(kind));
  for (std::uint32_t seed = 0; seed < 120; ++seed) {
    std::mt19937 random(seed);
    Case c;
    c.kind = kind;
    c.n = 2 + below(random, 16);
    c.size = kind == CollectiveKind::kBarrier ? 0 : below(random, 400);
    c.max_chunk = 1 + below(random, 40);
    c.root = below(random, c.n);
    c.layout.rings = random_rings(c.n, 1 + below(random, 4), random);
    CAPTURE(seed, c.n, c.size, c.max_chunk, c.root, c.layout.rings.size());
    Execution execution(c, seed);
    execution.run();
    execution.check();
  }
}

TEST_CASE("Bytes sent per rank follow the closed forms", "[collective]") {
  // n = 6 ranks, S = 6 * 4 * 100 bytes (a multiple of ranks x channels), 4 channels, S/n = 400.
  const auto sent = [](CollectiveKind kind) {
    const std::int64_t size = kind == CollectiveKind::kBarrier ? 0 : 2400;
    Case c{kind, 6, size, 7, 2, {{}, {}, std::vector<Ring>(4, identity_ring(6))}};
    Execution execution(c, 1);
    execution.run();
    execution.check();
    std::vector<std::int64_t> bytes;
    for (std::uint32_t p = 0; p < c.n; ++p) bytes.push_back(execution.sent_bytes(p));
    return bytes;
  };
  using All = std::vector<std::int64_t>;
  CHECK(sent(CollectiveKind::kAllReduce) == All(6, 4000));      // 2 (n-1)/n S = 2 * 5 * 400
  CHECK(sent(CollectiveKind::kReduceScatter) == All(6, 2000));  // (n-1)/n S = 5 * 400
  CHECK(sent(CollectiveKind::kAllGather) == All(6, 12000));     // (n-1) S = 5 * 2400
  CHECK(sent(CollectiveKind::kAllToAll) == All(6, 2000));       // (n-1)/n S = 5 * 400
  CHECK(sent(CollectiveKind::kBarrier) == All(6, 0));
  // Root 2 of ring 0..5: everybody passes S on but the last, position 1.
  CHECK(sent(CollectiveKind::kBroadcast) == All{2400, 0, 2400, 2400, 2400, 2400});
}

TEST_CASE("Pairwise all-to-all goes on when the message of the step before is there",
          "[collective]") {
  const GroupLayout layout{.host_of = {}, .hosts = {}, .rings = {identity_ring(4)}};
  CollectiveCall call;
  call.kind = CollectiveKind::kAllToAll;
  call.size = Bytes(400);
  call.group_size = 4;
  call.position = 1;
  call.max_chunk = Bytes(50);  // 100 bytes a block -> 2 lanes
  call.layout = &layout;
  const auto schedule = make_schedule(call);
  REQUIRE(schedule->step_count(0) == 6);
  CHECK(schedule->step(0, 1).wait_from == kNoPeer);
  // Step 2 (of 1..3), second lane: to 1 + 2 = 3, after the second message of 1 - 1 = 0.
  const CollectiveStep step = schedule->step(0, 3);
  CHECK(step.send_to == 3);
  CHECK(step.send_bytes == Bytes(50));
  CHECK(step.wait_from == 0);
  CHECK(step.wait_count == 2);
}

TEST_CASE("Uneven sizes lose no byte and no part exceeds the chunk", "[collective]") {
  const GroupLayout layout{
      .host_of = {}, .hosts = {}, .rings = {identity_ring(5), {4, 3, 2, 1, 0}}};
  CollectiveCall call;
  call.size = Bytes(1003);
  call.group_size = 5;
  call.max_chunk = Bytes(30);
  call.layout = &layout;
  std::int64_t total = 0;
  for (call.position = 0; call.position < 5; ++call.position) {
    const auto schedule = make_schedule(call);
    for (std::uint32_t channel = 0; channel < 2; ++channel) {
      // ceil(1003 / (5 * 2)) = 101 bytes a piece and channel -> ceil(101 / 30) = 4 lanes, 8 steps.
      REQUIRE(schedule->step_count(channel) == 32);
      for (std::uint32_t i = 0; i < 32; ++i) {
        const Bytes part = schedule->step(channel, i).send_bytes;
        CHECK((part == Bytes(25) || part == Bytes(26)));  // 1003 / 40 = 25.075
        total += part.count();
      }
    }
  }
  CHECK(total == 2 * 4 * 1003);  // every byte crosses n - 1 links in each of the two phases
}

TEST_CASE("An empty all-reduce still sends its zero-byte messages", "[collective]") {
  const GroupLayout layout{.host_of = {}, .hosts = {}, .rings = {identity_ring(3)}};
  CollectiveCall call;
  call.group_size = 3;
  call.layout = &layout;
  const auto schedule = make_schedule(call);
  CHECK(schedule->step_count(0) == 4);
  CHECK(schedule->step(0, 3).send_bytes == Bytes(0));
}

TEST_CASE("The dissemination barrier takes ceil(log2 n) rounds", "[collective]") {
  const auto [n, rounds] = GENERATE(table<std::uint32_t, std::uint32_t>(
      {{2, 1}, {3, 2}, {4, 2}, {5, 3}, {8, 3}, {9, 4}, {1000, 10}, {1024, 10}, {1025, 11}}));
  const GroupLayout layout{.host_of = {}, .hosts = {}, .rings = {identity_ring(n)}};
  CollectiveCall call;
  call.kind = CollectiveKind::kBarrier;
  call.group_size = n;
  call.layout = &layout;
  CHECK(make_schedule(call)->step_count(0) == rounds);
}

TEST_CASE("A group of one has nothing to do", "[collective]") {
  const GroupLayout layout{.host_of = {}, .hosts = {}, .rings = {{0}}};
  CollectiveCall call;
  call.size = Bytes(100);
  call.layout = &layout;
  CHECK(make_schedule(call)->channels() == 0);
  CHECK(make_schedule(call)->sources().empty());
}

TEST_CASE("Rings enter each host at another member per channel", "[collective]") {
  using Rings = std::vector<Ring>;
  const auto rings_of = [](const std::vector<std::uint32_t>& hosts, std::uint32_t channels,
                           std::uint32_t limit) {
    return make_layout(hosts, channels, limit).rings;
  };
  CHECK(rings_of({0, 0, 0, 0}, 0, 8) == Rings{{0, 1, 2, 3}});  // one host: one ring
  CHECK(rings_of({7, 7, 3, 3}, 0, 8) == Rings{{0, 1, 2, 3}, {1, 0, 3, 2}});
  CHECK(rings_of({0, 1, 0, 1}, 0, 8) == Rings{{0, 2, 1, 3}, {2, 0, 3, 1}});
  CHECK(rings_of({0, 0, 0, 1}, 0, 2) == Rings{{0, 1, 2, 3}, {1, 2, 0, 3}});
  CHECK(rings_of({0, 1}, 3, 2).size() == 3);  // a number that was asked for is not limited
  CHECK(rings_of({5}, 0, 8) == Rings{{0}});
}
