// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <optional>
#include <vector>

#include "models/sent_window.hpp"
#include "sim/random.hpp"

namespace plait {
namespace {

/// The rules of models/sent_window.hpp word by word: every transmission ever is looked at.
class PlainWindow {
 public:
  explicit PlainWindow(std::uint32_t threshold) : threshold_(threshold) {}

  std::uint32_t oldest() const { return oldest_; }
  std::uint32_t newest() const { return static_cast<std::uint32_t>(packets_.size()); }
  bool in_flight(std::uint32_t psn) const { return oldest_ <= psn && psn < newest(); }

  void note_sent(std::uint32_t psn, std::int64_t payload) {
    if (psn == newest()) packets_.push_back({payload});
    packets_[psn].lost = false;
    packets_[psn].sent.push_back(sent_++);
  }
  std::int64_t acknowledge(std::uint32_t psn) {
    if (!in_flight(psn) || packets_[psn].acked) return 0;
    packets_[psn].acked = true;
    packets_[psn].lost = false;
    return packets_[psn].payload;
  }
  std::int64_t acknowledge_before(std::uint32_t psn) {
    std::int64_t newly = 0;
    for (; oldest_ != psn; ++oldest_) newly += acknowledge(oldest_);
    return newly;
  }
  bool lose(std::uint32_t psn) {
    if (!in_flight(psn) || packets_[psn].acked || packets_[psn].lost) return false;
    return packets_[psn].lost = true;
  }
  // Counted are the acknowledged packets that were sent once, after the last sending of this one.
  std::optional<std::uint32_t> find_lost() {
    std::optional<std::uint32_t> oldest;
    for (std::uint32_t psn = oldest_; psn < newest(); ++psn) {
      const auto later = std::count_if(packets_.begin(), packets_.end(), [&](const Sent& other) {
        return other.acked && other.sent.size() == 1 &&
               other.sent.front() > packets_[psn].sent.back();
      });
      if (later >= threshold_ && lose(psn)) oldest = oldest.value_or(psn);
    }
    return oldest;
  }
  bool has_lost() const {
    return std::any_of(packets_.begin(), packets_.end(), [](const Sent& p) { return p.lost; });
  }
  bool is_lost(std::uint32_t psn) const { return packets_[psn].lost; }
  std::int64_t absent_bytes() const {
    std::int64_t sum = 0;
    for (std::uint32_t psn = oldest_; psn < newest(); ++psn)
      if (packets_[psn].acked || packets_[psn].lost) sum += packets_[psn].payload;
    return sum;
  }

 private:
  struct Sent {
    std::int64_t payload;
    std::vector<std::uint32_t> sent = {};  // when, in transmissions
    bool acked = false, lost = false;
  };
  std::uint32_t threshold_, oldest_ = 0, sent_ = 0;
  std::vector<Sent> packets_;
};

}  // namespace

TEST_CASE("property: what is lost, absent and news equals the rules word by word", "[transport]") {
  std::uint32_t found = 0, named = 0, again = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed, 3, 5);
    const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random.below(n)); };
    const std::uint32_t threshold = std::array{1U, 2U, 5U, 20U}[seed % 4];
    SentWindow window(threshold);
    PlainWindow plain(threshold);
    for (int step = 0; step < 300; ++step) {
      const std::uint32_t flying = plain.newest() - plain.oldest();
      const std::uint32_t psn = plain.oldest() + below(flying + 1);  // or one not sent yet
      switch (below(10)) {
        case 0:
          CHECK(window.acknowledge_before(psn) == plain.acknowledge_before(psn));
          break;
        case 1: {
          const bool lost = window.lose(psn);
          CHECK(lost == plain.lose(psn));
          named += lost;
          break;
        }
        case 2:
          if (step % 5 != 0) break;
          window.lose_all();
          for (std::uint32_t p = plain.oldest(); p != plain.newest(); ++p) plain.lose(p);
          break;
        case 3:
        case 4:
          if (plain.has_lost()) {
            const std::uint32_t lost = window.take_lost();
            REQUIRE(plain.is_lost(lost));
            window.note_sent(lost, 1000 + lost % 7);
            plain.note_sent(lost, 1000 + lost % 7);
            ++again;
          }
          break;
        case 5:
        case 6:
        case 7: {
          std::int64_t newly = 0;
          window.acknowledge(psn, newly);
          CHECK(newly == plain.acknowledge(psn));
          break;
        }
        default:
          for (std::uint32_t n = below(8); n > 0; --n) {
            const std::uint32_t next = plain.newest();
            window.note_sent(next, 1000 + next % 7);
            plain.note_sent(next, 1000 + next % 7);
          }
      }
      if (below(3) == 0) {
        const auto lost = window.find_lost();
        CHECK(lost == plain.find_lost());
        found += lost.has_value();
      }
      CHECK(window.has_lost() == plain.has_lost());
      CHECK(window.absent_bytes() == plain.absent_bytes());
    }
  }
  CHECK(found > 1000);
  CHECK(named > 1000);
  CHECK(again > 1000);
}

}  // namespace plait
