// SPDX-License-Identifier: Apache-2.0
#include "workloads/name_table.hpp"

#include <functional>
#include <utility>

namespace plait {

std::uint32_t NameTable::number_of(std::string_view name) {
  if (2 * size() >= slots_.size()) grow();
  std::uint32_t& slot = slots_[slot_of(name)];
  if (slot != kNone) return slot;
  slot = static_cast<std::uint32_t>(size());
  text_.insert(text_.end(), name.begin(), name.end());
  begin_.push_back(text_.size());
  return slot;
}

std::uint32_t NameTable::find(std::string_view name) const {
  return slots_.empty() ? kNone : slots_[slot_of(name)];
}

NameTable NameTable::finished() && {
  slots_ = SpillVector<std::uint32_t>();
  text_.shrink_to_fit();
  begin_.shrink_to_fit();
  return std::move(*this);
}

std::size_t NameTable::slot_of(std::string_view name) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = std::hash<std::string_view>()(name) & mask;
  while (slots_[at] != kNone && text(slots_[at]) != name) at = (at + 1) & mask;
  return at;
}

void NameTable::grow() {
  constexpr std::size_t kFirst = 16;
  slots_.assign(slots_.empty() ? kFirst : 2 * slots_.size(), kNone);
  for (std::uint32_t number = 0; number < size(); ++number) slots_[slot_of(text(number))] = number;
}

}  // namespace plait
