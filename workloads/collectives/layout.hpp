// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file layout.hpp
/// What algorithms need to know about a group's place in the fabric: who shares a host with whom.
/// Computed once per group, shared by all its ranks.

#include <cstdint>
#include <vector>

namespace plait {

struct GroupLayout {
  std::vector<std::uint32_t> host_of;             ///< By position: index into `hosts`.
  std::vector<std::vector<std::uint32_t>> hosts;  ///< Positions of each host, ascending; hosts in
                                                  ///< order of their first position.
  /// One ring order (a permutation of positions) per channel, not empty. Rings of hosts with
  /// several NICs differ so that each channel leaves the host through another NIC.
  std::vector<std::vector<std::uint32_t>> rings;
  /// The hosts' scale-up networks add up and copy in the switch (NVLS).
  bool in_switch_reduction = false;

  std::uint32_t positions() const { return static_cast<std::uint32_t>(host_of.size()); }
};

/// @param host_numbers any host number of each position, equal on equal hosts.
/// @param channels number of rings: in channel c the positions of each host are rotated by c, so
/// that each channel enters and leaves a host at another GPU (as NCCL's rings do). 0 chooses: 1 if
/// the group is on one host, else the largest number of members on one host, at most
/// `max_channels`.
GroupLayout make_layout(const std::vector<std::uint32_t>& host_numbers, std::uint32_t channels,
                        std::uint32_t max_channels);

}  // namespace plait
