// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file records.hpp
/// What a run leaves behind, as plain data: study/ turns it into tables, JSON, SQLite and NumPy
/// arrays. What has an element per op or message may lie in files (sim/spill.hpp). Every vector is
/// in an order fixed by the model (ids, then time), never by threads.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/ids.hpp"
#include "sim/spill.hpp"
#include "sim/units.hpp"

namespace plait {

/// One message between two GPUs.
struct MessageRecord {
  JobId job;
  GpuId from, to;
  std::uint32_t stream = 0;
  Bytes size{};
  SimTime posted{};  ///< Given to the host by the sender.
  /// Last byte at the receiver, and acknowledged at the sender; never() if the run ended before.
  SimTime delivered = SimTime::never(), acked = SimTime::never();
  Duration ideal{};  ///< delivered - posted on an unloaded path.
};

/// One RoCE queue pair: a connection, or one lane of it.
struct FlowRecord {
  GpuId from, to;
  std::uint32_t stream = 0;
  std::uint32_t lane = 0;     ///< Number of the queue pair within its connection.
  std::uint32_t hops = 0;     ///< Links of its path, one way.
  std::uint16_t entropy = 0;  ///< UDP source port of its packets, or the first of several.
  SimTime first_sent{}, last_acked{};
  SimTime failed = SimTime::never();  ///< When it gave up: too many timeouts without progress,
  bool unreachable = false;           ///< or because no route will ever lead there or back.
  Bytes payload{};                    ///< Delivered and acknowledged payload.
  std::uint64_t packets = 0;          ///< Data packets sent, retransmissions included.
  std::uint64_t retransmitted = 0;
  std::uint64_t cnps = 0;  ///< Congestion notifications that reached the sender.
  std::uint64_t timeouts = 0;
};

/// One direction of a cable; index = egress PortId.
struct LinkRecord {
  std::uint64_t packets = 0;
  Bytes wire_bytes{};
  Duration busy{};                        ///< Time spent sending.
  Duration paused{};                      ///< Time in which PFC held back at least one priority,
  SimTime paused_from{}, paused_until{};  ///< all of it between these two.
  Bytes max_queue{};                      ///< Longest egress queue, all priorities; switches only.
  std::uint64_t ecn_marks = 0;
  std::uint64_t drops = 0;              ///< Packets that had to leave here and found no buffer.
  std::uint64_t lossless_drops = 0;     ///< Of those, on lossless priorities: headroom overflow.
  std::uint64_t trims = 0;              ///< Packets that had to leave here and lost their payload.
  std::uint64_t lost_to_faults = 0;     ///< Frames sent here while the cable was down.
  std::uint64_t pauses_sent = 0;        ///< PFC pause frames sent through this port to its peer.
  std::uint64_t watchdog_triggers = 0;  ///< Times that a queue here was declared stuck.
  std::uint64_t watchdog_drops = 0;     ///< Packets dropped for that; not in `drops`.
};

/// A PFC frame, when and where it took effect.
struct PauseRecord {
  SimTime time{};
  NodeId node;             ///< That received it: a host or a switch.
  std::uint32_t port = 0;  ///< Number of the port at that node.
  std::uint8_t priority = 0;
  bool pause = true;  ///< False: resume.
};

/// A deadlock of priority flow control: switches that have paused each other in a ring, each with
/// too many packets for the next one to resume the one before (models/pause_graph.hpp).
struct PauseCycle {
  std::vector<PortId> ports;  ///< Paused egress ports, each leading to the switch of the next.
  std::uint8_t priority = 0;
  SimTime since{};                      ///< When the last of its pauses began.
  SimTime resolved = SimTime::never();  ///< First check that did not find it any more.
};

/// One op of one rank that ended, as it ran.
struct OpRecord {
  JobId job;
  RankId rank;
  OpId op;
  SimTime start{}, end{};
};

/// How one rank spent its time. compute + exposed_communication + idle = end - start.
struct RankRecord {
  JobId job;
  RankId rank;
  GpuId gpu;
  SimTime start{}, end{};
  Duration compute{};                   ///< At least one GPU or CPU compute op ran.
  Duration exposed_communication{};     ///< A communication op was open and no compute ran.
  Duration overlapped_communication{};  ///< Both.
  Duration idle{};                      ///< Neither.
  bool finished = true;                 ///< False: the run ended before; `end` is then its end.
};

/// One request to a server, as its issuer saw it.
struct RequestRecord {
  JobId job;
  std::uint32_t request_class = 0;  ///< Index into the job's classes.
  std::uint64_t id = 0;             ///< Within the job.
  RankId client;                    ///< Of an RPC; of inference the rank that got the prompt.
  RankId server;                    ///< That answered it last; none: several (storage).
  SimTime arrival{};                ///< When it should have been sent, at an open loop.
  /// First token; of a checkpoint, when training went on; of what comes as a whole the same as
  /// `end`. Never() where the run ended before.
  SimTime first = SimTime::never(), end = SimTime::never();
  std::int64_t input_units = 0, units = 0;  ///< Of request and response: tokens, or bytes.
};

/// What one storage server moved (models/storage/).
struct StorageServerRecord {
  JobId job;
  RankId rank;
  GpuId gpu;
  Bytes read{}, written{};   ///< By its disk; copies for other servers included.
  std::uint64_t pieces = 0;  ///< That the disk has finished.
  Duration disk_busy{};
  SimTime first = SimTime::never(), last{};  ///< First piece there, last one done by the disk.
  Duration longest_wait{};                   ///< Of a piece for the disk.
};

/// Engine figures that belong to the model (the same for any number of threads).
struct RunTotals {
  std::uint64_t fingerprint = 0;  ///< Order-independent hash of what each entity processed.
  std::uint64_t packet_hops = 0;  ///< Packets (data, ACK, control) times links crossed.
  std::uint64_t windows = 0;
  std::uint64_t calm_visits = 0;     ///< Of switches, on their fast path.
  SimTime end{};                     ///< Time of the last event of a rank or flow; the time limit.
  std::uint64_t lost_on_links = 0;   ///< Frames lost by fabric.wire.loss and by bit errors.
  std::uint64_t lost_to_faults = 0;  ///< Frames swallowed by failed cables and rebooting switches.
  std::uint64_t unroutable = 0;      ///< Packets dropped by a switch that knew no way on.
  std::uint64_t pfc_pauses = 0, ecn_marks = 0, drops = 0, retransmitted = 0, timeouts = 0;
  std::uint64_t lossless_drops = 0, trims = 0, watchdog_triggers = 0, watchdog_drops = 0;
};

/// What one fault event did; index = its place in NetworkParams::faults.
struct FaultRecord {
  std::uint64_t lost = 0;  ///< Frames swallowed by its cables or its switch, or hit by its errors.
};

/// Links of each flow's data packets, in order of RunRecords::flows.
struct FlowPaths {
  std::vector<std::uint32_t> begin;  ///< Into `links`; one more than flows.
  std::vector<PortId> links;

  bool empty() const { return links.empty(); }
  /// Empty where packets of the flow take several paths.
  std::span<const PortId> of(std::size_t flow) const {
    return {links.data() + begin[flow], links.data() + begin[flow + 1]};
  }
};

struct RunRecords {
  RunTotals totals;
  std::vector<RankRecord> ranks;                     ///< By (job, rank).
  SpillVector<OpRecord> ops;                         ///< By (job, rank, start, op).
  std::vector<RequestRecord> requests;               ///< By (job, id).
  std::vector<StorageServerRecord> storage_servers;  ///< By (job, rank).
  SpillVector<MessageRecord> messages;   ///< By (posted, from, to, stream, order of posting).
  std::vector<FlowRecord> flows;         ///< By (from, to, stream, lane).
  FlowPaths flow_paths;                  ///< Empty unless some link was paused.
  std::vector<LinkRecord> links;         ///< By egress PortId.
  std::vector<PauseRecord> pauses;       ///< By (time, node, port, order of arrival), if asked for.
  std::vector<FaultRecord> faults;       ///< By event.
  std::vector<PauseCycle> pause_cycles;  ///< In order of discovery.
};

}  // namespace plait
