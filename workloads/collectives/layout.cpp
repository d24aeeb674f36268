// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/layout.hpp"

#include <algorithm>
#include <map>

namespace plait {

GroupLayout make_layout(const std::vector<std::uint32_t>& host_numbers, std::uint32_t channels,
                        std::uint32_t max_channels) {
  GroupLayout layout;
  std::map<std::uint32_t, std::uint32_t> index;
  for (std::uint32_t position = 0; position < host_numbers.size(); ++position) {
    const auto [entry, is_new] =
        index.try_emplace(host_numbers[position], static_cast<std::uint32_t>(layout.hosts.size()));
    if (is_new) layout.hosts.emplace_back();
    layout.hosts[entry->second].push_back(position);
    layout.host_of.push_back(entry->second);
  }
  if (channels == 0) {
    std::size_t largest = 1;
    if (layout.hosts.size() > 1)
      for (const auto& host : layout.hosts) largest = std::max(largest, host.size());
    channels = std::min(static_cast<std::uint32_t>(largest), std::max(max_channels, 1U));
  }
  layout.rings.resize(channels);
  for (std::uint32_t channel = 0; channel < channels; ++channel)
    for (const auto& host : layout.hosts)
      for (std::size_t i = 0; i < host.size(); ++i)
        layout.rings[channel].push_back(host[(i + channel) % host.size()]);
  return layout;
}

}  // namespace plait
