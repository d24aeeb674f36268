// SPDX-License-Identifier: Apache-2.0
// Where the window engine keeps what: every entity has a slot in the bitmaps of its group.
#include <utility>

#include "sim/check.hpp"
#include "sim/window_engine.hpp"

namespace plait {

namespace {
// Slots of different workers start on different cache lines of the bitmaps: 8 words of 64 bits.
constexpr std::uint32_t kAlignSlots = 512;
}  // namespace

WindowEngine::WindowEngine(const std::vector<Entity*>& entities, const std::vector<unsigned>& owner,
                           const EntityGroups& groups, const Options& options)
    : options_(options),
      clocks_(groups),
      side_(groups.side),
      owner_(owner),
      last_steps_(groups.count(), 0) {
  PLAIT_CHECK_LE(1U, options.workers);
  PLAIT_CHECK_EQ(entities.size(), owner.size());
  PLAIT_CHECK_EQ(entities.size(), groups.of.size());
  for (const unsigned worker : owner) PLAIT_CHECK_LT(worker, options.workers);
  for (const std::uint8_t group : groups.of) place_of_.push_back(std::uint32_t{group} << kSlotBits);
  lay_out(entities, 1);
}

// Group by group, and worker by worker within each.
void WindowEngine::lay_out(const std::vector<Entity*>& entities, unsigned workers) {
  std::vector<std::vector<std::size_t>> members(side_.size() * workers);
  for (std::size_t e = 0; e < entities.size(); ++e)
    members[(place_of_[e] >> kSlotBits) * workers + (workers > 1 ? owner_[e] : 0)].push_back(e);
  parts_.clear();
  entities_.clear();
  std::uint32_t slot = 0;
  for (std::size_t part = 0; part < members.size(); ++part) {
    const std::uint32_t begin = slot;
    for (const std::size_t e : members[part]) {
      place_of_[e] = static_cast<std::uint32_t>(part / workers) << kSlotBits | slot++;
      entities_.push_back(entities[e]);
    }
    parts_.push_back({begin / 64, (slot + 63) / 64});
    slot = (slot + kAlignSlots - 1) / kAlignSlots * kAlignSlots;
    entities_.resize(slot);
  }
  PLAIT_CHECK_LE(slot, kSlotMask);
  scheduled_ps_.assign(slot, INT64_MAX);
  far_ps_.assign(slot, INT64_MAX);
  workers_.resize(workers);
  for (unsigned w = 0; w < workers; ++w) {
    if (workers_[w] == nullptr) workers_[w] = std::make_unique<Worker>();
    Worker& worker = *workers_[w];
    worker.index_ = w;
    worker.engine_ = this;
    for (auto& bitmap : worker.active_) bitmap.assign(slot / 64, 0);
    worker.wishes_.assign(side_.size(), Wishes());
  }
}

// Before the first window that threads share. Until then the first worker has all entities: small
// runs never get there, and shall not pay for parts of their own.
void WindowEngine::share_out() {
  Worker& alone = *workers_.front();
  const auto places = place_of_;
  const auto by_slot = std::exchange(entities_, {});
  const auto scheduled_ps = std::exchange(scheduled_ps_, {}), far_ps = std::exchange(far_ps_, {});
  const std::vector<std::uint64_t> active[2] = {std::exchange(alone.active_[0], {}),
                                                std::exchange(alone.active_[1], {})};
  std::vector<Wishes> wishes = std::exchange(alone.wishes_, {});

  std::vector<Entity*> entities;
  std::vector<std::uint32_t> entity_at(by_slot.size());
  for (const std::uint32_t place : places) {
    const std::uint32_t slot = place & kSlotMask;
    entity_at[slot] = static_cast<std::uint32_t>(entities.size());
    entities.push_back(by_slot[slot]);
  }
  lay_out(entities, options_.workers);
  for (std::size_t e = 0; e < places.size(); ++e) {
    const std::uint32_t from = places[e] & kSlotMask, to = place_of_[e] & kSlotMask;
    scheduled_ps_[to] = scheduled_ps[from];
    far_ps_[to] = far_ps[from];
    for (unsigned b = 0; b < 2; ++b)
      alone.active_[b][to >> 6] |= (active[b][from >> 6] >> (from & 63U) & 1U) << (to & 63U);
  }
  for (std::size_t group = 0; group < wishes.size(); ++group)
    for (; !wishes[group].empty(); wishes[group].pop()) {
      const Worker::Wish& wish = wishes[group].top();
      const std::uint32_t e = entity_at[wish.slot];
      workers_[owner_[e]]->wishes_[group].push({wish.at_ps, place_of_[e] & kSlotMask});
    }
}

}  // namespace plait
