# SPDX-License-Identifier: Apache-2.0
"""Plait: a fast, deterministic, packet-level simulator of AI/HPC network fabrics.

    import plait

    result = plait.run("scenario.yaml", set={"fabric.link.rate": "800Gbps"})
    print(result)                                  # the report
    result.jobs["jct_us"], result.messages["slowdown"].max()

Every number has its unit in its name. The same scenario and seed give the same arrays for any
number of threads. Errors: `ScenarioError` (what was asked for is wrong), `DeadlockError` (the
workload can never finish), `InternalError` (a fault of Plait); all are `PlaitError`.
"""

from plait._core import (
    DeadlockError,
    InternalError,
    PlaitError,
    ScenarioError,
    __version__,
    set_trace_memory,
)
from plait._result import Result
from plait._scenario import run

__all__ = [
    "DeadlockError",
    "InternalError",
    "PlaitError",
    "Result",
    "ScenarioError",
    "__version__",
    "run",
    "set_trace_memory",
]
