// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file flow_process.hpp
/// The least process that makes traffic: sends its messages at the start and counts what comes
/// back. For benchmarks and tests of the network alone, without op graphs.

#include <vector>

#include "models/host_services.hpp"

namespace plait {

class FlowProcess final : public RankProcess {
 public:
  struct Flow {
    MessageKey key;
    Bytes size;
  };
  /// @param expected  messages that will arrive here.
  FlowProcess(std::vector<Flow> flows, std::size_t expected)
      : flows_(std::move(flows)), expected_(expected) {}

  void on_start(SimTime now, HostServices& host) override {
    for (std::size_t i = 0; i < flows_.size(); ++i)
      host.send(now, flows_[i].key, flows_[i].size, i);
  }
  void on_timer(SimTime, std::uint64_t) override {}
  void on_sent(SimTime now, std::uint64_t) override {
    ++sent_;
    last_sent_ = now;
  }
  void on_delivered(SimTime now, const MessageKey&, Bytes size) override {
    ++received_;
    received_bytes_ += size;
    last_received_ = now;
  }
  bool finished() const override { return sent_ == flows_.size() && received_ >= expected_; }

  std::size_t received() const { return received_; }
  Bytes received_bytes() const { return received_bytes_; }
  SimTime last_sent() const { return last_sent_; }  ///< Of the last acknowledgement.
  SimTime last_received() const { return last_received_; }

 private:
  std::vector<Flow> flows_;
  std::size_t expected_, sent_ = 0, received_ = 0;
  Bytes received_bytes_{};
  SimTime last_sent_, last_received_;
};

}  // namespace plait
