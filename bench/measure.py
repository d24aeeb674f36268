# SPDX-License-Identifier: Apache-2.0
"""How bench/run measures: runs programs, lets them take turns, collects the rows of the table."""
import dataclasses
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Skipped(Exception):
    """A group that cannot run here, and why."""


@dataclasses.dataclass
class Row:
    group: str
    what: str
    text: str
    unit: str = ""
    target: float | None = None
    at_least: bool = True
    met: bool | None = None


class Bench:
    """Runs the programs and collects rows."""

    def __init__(self, build, quick, turns, yardstick, like):
        self.build, self.quick, self.turns = build, quick, turns
        self.yardstick, self.like = yardstick, like
        self.rows = []
        self.group = ""

    def row(self, what, value, unit="", at_least=None, at_most=None):
        target = at_least if at_least is not None else at_most
        met = None
        if target is not None:
            met = value >= target if at_least is not None else value <= target
        self.rows.append(Row(self.group, what, f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}",
                             unit, target, at_least is not None, met))

    def say(self, what, text):
        self.rows.append(Row(self.group, what, text))

    def skip(self, group, why):
        self.rows.append(Row(group, "not measured: " + why, ""))

    def fabric(self, options, threads=1):
        """One run of fabric_bench."""
        command = [self.build / "bench" / "fabric_bench", *shlex.split(options), "--json",
                   "--repeats", "1", "--threads", str(threads)]
        return json.loads(output(command))

    def rate(self, options, threads=1):
        return self.fabric(options, threads)["mhops_per_s"]

    def plait(self, scenario, threads, *options):
        """performance.json of one `plait run`, and the simulated time in us."""
        with tempfile.TemporaryDirectory() as folder:
            output([self.build / "cli" / "plait", "run", scenario, "--quiet", "--out", folder,
                    "--threads", str(threads), *options])
            performance = json.loads((pathlib.Path(folder) / "performance.json").read_text())
            summary = json.loads((pathlib.Path(folder) / "summary.json").read_text())
        return performance, summary

    def in_turn(self, *measures):
        """Values of each of the measures, which take turns."""
        values = [[] for _ in measures]
        for _ in range(self.turns):
            for i, measure in enumerate(measures):
                values[i].append(measure())
        return values

    def share(self, base, other):
        """Median over the turns of other() / base()."""
        bases, others = self.in_turn(base, other)
        return statistics.median(o / b for b, o in zip(bases, others))


def output(command):
    try:
        done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True,
                              text=True, check=False)
    except OSError as error:
        raise SystemExit(f"bench/run: cannot run {command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(map(str, command))} failed\n{done.stdout}{done.stderr}")
    return done.stdout


def two_threads():
    if (os.cpu_count() or 1) < 2:
        raise Skipped("one core only")
