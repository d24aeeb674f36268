// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file network_simulation.hpp
/// What every fidelity of the network offers to those who set up and run an experiment.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "models/host_services.hpp"
#include "models/records.hpp"
#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace plait {

struct RunProgress {
  SimTime now{};
  std::uint64_t packet_hops = 0;
  std::uint64_t events = 0;  ///< Arrivals processed by entities.
  std::size_t ranks_finished = 0, ranks = 0;
};

struct RunOptions {
  unsigned threads = 1;              ///< >= 1; results do not depend on it.
  SimTime until = SimTime::never();  ///< Stop here even if ranks still run.
  /// Windows that follow one with fewer visits and arrivals than this run on one thread.
  std::uint64_t parallel_from = 128;
  /// In fabrics of so many ports visits fetch the memory of those that follow; smaller ones fit the
  /// caches.
  std::size_t fetch_from_ports = 2048;
  Duration max_window = Duration::max();  ///< For tests: shorter windows must change nothing.
  /// Called about every `progress_windows` windows on the calling thread; false stops the run.
  std::function<bool(const RunProgress&)> progress;
  std::uint64_t progress_windows = 1024;
  /// Simulated time between looks for cycles of pauses; one that has stood as long stops the run,
  /// unless a watchdog or a fault to come may break it. 0: only at the end.
  Duration deadlock_check = Duration::ms(1);
};

enum class RunEnd : std::uint8_t {
  /// All ranks are done and the network is empty; with processes in the background, all others are
  /// done: then the run ends with the window in which the last of them was.
  kFinished,
  kDeadlock,  ///< Ranks are not done, and nothing will ever happen again or pauses stand in a
              ///< cycle.
  kTimeLimit,
  kStopped,  ///< The progress callback said so.
};

/// Wall time by kind of work, all threads together (models/visit_timer.hpp). What is left of the
/// run's is the engine's, and waiting at its barrier.
struct VisitTimes {
  double switches_s = 0;
  double hosts_s = 0;      ///< NICs and scale-up networks.
  double processes_s = 0;  ///< What runs on the GPUs: ranks and their collectives, requests.

  double sum() const { return switches_s + hosts_s + processes_s; }
};

class NetworkSimulation {
 public:
  virtual ~NetworkSimulation() = default;

  /// Gives `gpu` a process. @pre each GPU at most once, before run().
  virtual void place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start) = 0;
  /// @pre once.
  virtual RunEnd run(const RunOptions& options) = 0;
  /// Ranks and ops are left empty here: the ranks themselves know them. What a fidelity does not
  /// compute is left at its default; links has the fabric's size.
  virtual RunRecords records() const = 0;
  /// Bytes of memory held by entities, channels and tables, for the benchmarks.
  virtual std::size_t memory_bytes() const = 0;
  /// Zeros where it was not asked for, or there are no visits.
  virtual VisitTimes visit_times() const { return {}; }
};

}  // namespace plait
