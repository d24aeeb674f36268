# SPDX-License-Identifier: Apache-2.0
"""The result of a run as NumPy arrays."""

import html
import json
import os
from functools import cached_property
from typing import Any, Union

import numpy as np

from plait import _core


class Result:
    """What a run left behind.

    The tables are read-only one-dimensional structured arrays, one element per record:
    `result.links["utilisation"]` is a column, `pandas.DataFrame(result.links)` a data frame. Times
    are float64 microseconds since the start of the run. `out/results.sqlite` has the same in whole
    picoseconds; docs/results.md defines every figure.
    """

    def __init__(self, outcome: "_core.Outcome") -> None:
        self._outcome = outcome

    @cached_property
    def jobs(self) -> np.ndarray:
        """One per job: name, ranks, start_us, end_us, jct_us (last rank's end - start),
        background (the run did not wait for it).

        end_us and jct_us are NaN for a job that the run's end cut short."""
        return self._table("jobs")

    @cached_property
    def ranks(self) -> np.ndarray:
        """One per rank: job, rank, gpu, host, start_us, end_us, compute_us,
        exposed_communication_us, overlapped_communication_us, idle_us, finished.

        compute + exposed + idle = end - start; overlapped is part of compute. A rank that
        has not finished is accounted up to the end of the run."""
        return self._table("ranks")

    @cached_property
    def ops(self) -> np.ndarray:
        """One per op that ended: job, rank, op, name, kind (compute, send, recv,
        collective), collective (its kind or ""), size_bytes, start_us, end_us, duration_us."""
        return self._table("ops")

    @cached_property
    def messages(self) -> np.ndarray:
        """One per message between GPUs: job, from_gpu, to_gpu, stream, size_bytes, posted_us,
        delivered_us, acked_us, fct_us (delivered - posted), ideal_us (fct on empty queues),
        slowdown (fct / ideal). NaN for what had not happened when the run was cut short."""
        return self._table("messages")

    @cached_property
    def requests(self) -> np.ndarray:
        """One per request of an RPC, serving or storage job, or rank and checkpoint: job, id, kind,
        class, client_rank, server_rank (-1: several), arrival_us, first_us (first token; of a
        checkpoint when training went on; else the same as end_us), end_us, latency_us (end -
        arrival), input_units and units (of request and response: tokens, or bytes). NaN for what
        had not happened when the run was cut short."""
        return self._table("requests")

    @cached_property
    def storage_servers(self) -> np.ndarray:
        """One per storage server: job, rank, gpu, read_bytes, written_bytes, pieces (that its disk
        has finished), disk_busy_us, longest_wait_us (of a piece for the disk), active_us (first
        piece there to last one done)."""
        return self._table("storage_servers")

    @cached_property
    def flows(self) -> np.ndarray:
        """One per RoCE queue pair: from_gpu, to_gpu, stream, hops, first_sent_us, last_acked_us,
        payload_bytes, packets (with retransmissions), retransmitted, cnps, timeouts."""
        return self._table("flows")

    @cached_property
    def flow_slowdown(self) -> np.ndarray:
        """One per traffic job and bin of sizes: job, size (the bin's name), above_bytes, up_to_bytes,
        flows (that ended), unfinished, mean, p50, p95, p99, p99_9 of completion time / ideal."""
        return self._table("flow_slowdown")

    @cached_property
    def links(self) -> np.ndarray:
        """One per direction of a cable: name, from_node, to_node, rate_gbps, delay_us, packets,
        wire_bytes, busy_us, utilisation (0 to 1), paused_us, max_queue_bytes, ecn_marks, drops,
        pauses_sent, lossless_drops, trims, watchdog_triggers, watchdog_drops."""
        return self._table("links")

    @cached_property
    def findings(self) -> np.ndarray:
        """One per pathology, most serious first: kind, severity (error, warning, note), object (a
        link, host or cycle of ports), value (its unit depends on the kind), text."""
        return self._table("findings")

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json: quantiles, collectives, busiest links, totals."""
        return json.loads(self._outcome.summary_json())

    @cached_property
    def performance(self) -> dict[str, Any]:
        """Wall-clock figures, the only part that differs from run to run."""
        return json.loads(self._outcome.performance_json())

    @property
    def fingerprint(self) -> str:
        """16 hex digits; equal runs have equal fingerprints."""
        return self._outcome.fingerprint()

    @property
    def complete(self) -> bool:
        """False if the run was cut short by a limit or by the progress callback."""
        return self._outcome.complete()

    @property
    def warnings(self) -> list[str]:
        """What had to be repaired in the input, one text each."""
        return self._outcome.warnings()

    @property
    def scenario_yaml(self) -> str:
        """The resolved scenario: every value in force."""
        return self._outcome.scenario_yaml()

    def write(self, directory: Union[str, "os.PathLike[str]"]) -> None:
        """Write summary.json, results.sqlite and performance.json. Raises ScenarioError."""
        self._outcome.write(os.fspath(directory))

    def _table(self, name: str) -> np.ndarray:
        columns = {}
        for column, dtype, data in self._outcome.columns(name):
            columns[column] = (
                np.array(data, dtype=np.str_) if dtype == "str" else np.frombuffer(data, dtype)
            )
        rows = len(next(iter(columns.values())))
        table = np.empty(rows, dtype=[(column, data.dtype) for column, data in columns.items()])
        for column, data in columns.items():
            table[column] = data
        table.flags.writeable = False
        return table

    def __repr__(self) -> str:
        return self._outcome.report()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"
