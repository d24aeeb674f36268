# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from typing import Any, Optional, Union

from plait._result import Result

__version__: str

class PlaitError(Exception):
    file: Optional[str]
    line: Optional[int]
    column: Optional[int]

class ScenarioError(PlaitError, ValueError): ...

class DeadlockError(PlaitError, RuntimeError):
    result: Result  # set by plait.run
    _outcome: Outcome

class InternalError(PlaitError, RuntimeError): ...

def set_trace_memory(size: str) -> None: ...

class Outcome:
    def columns(self, table: str) -> list[tuple[str, str, Union[bytes, list[str]]]]: ...
    def report(self) -> str: ...
    def performance_line(self) -> str: ...
    def summary_json(self) -> str: ...
    def performance_json(self) -> str: ...
    def fingerprint(self) -> str: ...
    def scenario_yaml(self) -> str: ...
    def complete(self) -> bool: ...
    def warnings(self) -> list[str]: ...
    def write(self, directory: str) -> None: ...

def run_file(
    file: str,
    settings: list[str],
    threads: int,
    out: Optional[str],
    progress: Optional[Callable[[dict[str, Any]], Optional[bool]]],
) -> Outcome: ...
def run_text(
    text: str,
    name: str,
    settings: list[str],
    threads: int,
    out: Optional[str],
    progress: Optional[Callable[[dict[str, Any]], Optional[bool]]],
) -> Outcome: ...
