// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file shared_gpu.hpp
/// Several processes on one GPU, seen from outside as one: a training rank, and beside it ranks of
/// traffic or storage jobs. They share the GPU's NIC and nothing else: compute of one does not slow
/// the other (docs/traffic.md). It works over every fidelity, since it needs HostServices only.
///
/// Each process has its own range of the 2^18 message streams of a GPU. The ranks of one job have
/// the same range on every GPU, so that both ends of a message agree without talking.

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "models/host_services.hpp"

namespace plait {

/// Streams [first, first + count) of every GPU belong to one job. `first` is even: parity tells
/// collectives from messages.
struct StreamRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;

  bool contains(std::uint32_t stream) const { return stream - first < count; }
};

class SharedGpu final : public RankProcess {
 public:
  static constexpr std::size_t kMaxProcesses = 255;

  explicit SharedGpu(GpuId gpu) : gpu_(gpu) {}

  /// @param background  the process does not hold the run open.
  /// @pre before the start; ranges of one GPU do not overlap; at most kMaxProcesses.
  void add(std::unique_ptr<RankProcess> process, StreamRange range, SimTime start, bool background);
  /// When the first of the processes starts: the time to place this one.
  SimTime first_start() const;

  void on_start(SimTime now, HostServices& host) override;
  void on_timer(SimTime now, std::uint64_t token) override;
  void on_sent(SimTime now, std::uint64_t token) override;
  void on_delivered(SimTime now, const MessageKey& key, Bytes size) override;
  bool finished() const override;
  bool background() const override;      ///< All tenants are.
  bool has_background() const override;  ///< Some tenant is.

 private:
  struct Tenant {
    std::unique_ptr<RankProcess> process;
    StreamRange range;
    SimTime start;
    bool background;
  };
  // What one process sees of the host: its streams count from 0, its tokens come back unchanged.
  class Seat final : public HostServices {
   public:
    Seat(std::uint32_t number, Tenant tenant) : number_(number), tenant_(std::move(tenant)) {}
    void send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) override;
    void call_at(SimTime at, GpuId gpu, std::uint64_t token) override;
    void join_collective(SimTime now, const CollectiveJoin& join) override;
    double slowdown(SimTime now) const override { return host_->slowdown(now); }

    void open(HostServices& host) { host_ = &host; }
    const Tenant& tenant() const { return tenant_; }
    RankProcess& process() { return *tenant_.process; }

   private:
    std::uint64_t mark(std::uint64_t token) const;

    std::uint32_t number_;
    Tenant tenant_;
    HostServices* host_ = nullptr;
  };

  GpuId gpu_;
  std::vector<std::unique_ptr<Seat>> seats_;  // processes keep references to their seats
};

}  // namespace plait
