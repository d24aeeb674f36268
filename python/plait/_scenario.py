# SPDX-License-Identifier: Apache-2.0
"""Running a scenario."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, Union

from plait import _core
from plait._result import Result

Path = Union[str, "os.PathLike[str]"]


def run(
    scenario: Union[Path, Mapping[str, Any]],
    *,
    set: Union[Mapping[str, Any], Sequence[str], None] = None,
    threads: Optional[int] = None,
    out: Optional[Path] = None,
    progress: Optional[Callable[[dict], Optional[bool]]] = None,
) -> Result:
    """Run a scenario to its end.

    scenario: path of a YAML file, or its content as a dict: the same keys, and quantities as text
        with their unit ("400Gbps"). File names in a dict are relative to the current folder, those
        in a file to the folder of that file.
    set: values to change, by path: {"fabric.link.rate": "800Gbps"} or ["fabric.link.rate=800Gbps"].
    threads: threads of the simulation; None or 0 means one per core. The result does not depend on
        it.
    out: folder for summary.json, results.sqlite and performance.json; created if needed.
    progress: called now and then (at most every 50 ms) with a dict of simulated_us, share (of the
        work done, 0 to 1), packet_hops, events, ranks_finished and ranks. If it returns False, the
        run stops and the result has `complete` False. What it raises ends the run and is raised
        here.

    The interpreter lock is released during the run; KeyboardInterrupt ends it.

    Raises ScenarioError if something in the input or the folder `out` is wrong, DeadlockError if
    ranks wait for each other for ever (its `result` is what happened until then, which is also in
    `out`), InternalError for faults of Plait, TypeError for arguments of the wrong kind.
    """
    if threads is None:
        threads = 0
    if isinstance(threads, bool) or not isinstance(threads, int):
        raise TypeError(f"threads must be an int or None, not {type(threads).__name__}")
    if threads < 0:
        raise _core.ScenarioError(
            f"threads must be at least 1, or 0 for one per core, not {threads}")
    common = (_settings(set), threads, None if out is None else os.fspath(out), progress)
    try:
        if isinstance(scenario, Mapping):
            return Result(_core.run_text(_as_yaml(scenario), "scenario", *common))
        return Result(_core.run_file(os.fspath(scenario), *common))
    except _core.DeadlockError as error:
        error.result = Result(error._outcome)
        raise


def _as_yaml(value: Any) -> str:
    # JSON is YAML, and it quotes what needs quotes.
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "item"):  # a NumPy scalar
        return value.item()
    raise TypeError(f"a scenario cannot hold {value!r} of type {type(value).__name__}")


def _settings(given: Union[Mapping[str, Any], Sequence[str], None]) -> list:
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [f"{path}={json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)}"
                for path, value in given.items()]
    if isinstance(given, str):
        raise TypeError('set must be a dict or a list of "path=value", not one str')
    return list(given)
