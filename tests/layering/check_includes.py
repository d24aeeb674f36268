#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the dependency rule of docs/architecture.md against the #include lines of the tree.

Usage: check_includes.py ROOT. Prints one line per violation; the exit status is 1 if there is any.
"""

import re
import sys
from pathlib import Path

# Folder -> folders it may include besides itself.
MAY_INCLUDE = {
    "sim": set(),
    "topologies": {"sim"},
    "workloads": {"sim"},
    "models": {"sim", "topologies", "workloads"},
    "study": {"sim", "topologies", "workloads", "models"},
    "validation": {"sim", "topologies", "workloads", "models", "study"},
    "cli": {"sim", "topologies", "workloads", "models", "study", "validation"},
    "python": {"sim", "topologies", "workloads", "models", "study"},
}

# Start of a third-party include -> folders in which it may appear.
THIRD_PARTY = {
    "Random123/": {"sim"},
    "tbb/": {"sim", "study"},
    "oneapi/tbb": {"sim", "study"},
    "boost/": {"topologies"},
    "google/protobuf/": {"workloads", "study"},
    "zlib.h": {"workloads", "study"},
    "pugixml.hpp": {"workloads"},
    "Eigen/": {"models", "study"},
    "yaml-cpp/": {"study"},
    "sqlite3.h": {"study"},
    "nlohmann/": {"workloads", "study", "cli", "python"},
    "CLI/": {"cli"},
    "spdlog/": {"cli"},
    "pybind11/": {"python"},
    "fmt/": set(MAY_INCLUDE),
}

# Headers that every user of the library includes: nothing but std and Plait.
PLAIN_HEADERS = {"sim", "models"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")', re.MULTILINE)


def is_system(name: str) -> bool:
    """Standard library (no dot, no slash) or operating system."""
    return "/" not in name and "." not in name or name.startswith("sys/") or name in (
        "stdlib.h", "unistd.h", "signal.h", "fcntl.h", "pthread.h", "sched.h")


def check_file(root: Path, path: Path) -> list[str]:
    found = []
    folder = path.relative_to(root).parts[0]
    text = path.read_text(encoding="utf-8")
    includes = list(INCLUDE.finditer(text))

    def report(match, what):
        line = text.count("\n", 0, match.start(1)) + 1
        found.append(f"{path.relative_to(root)}:{line}: {what}")

    own_header = path.with_suffix(".hpp")
    if path.suffix == ".cpp" and own_header.exists():
        first = includes[0].group(1) if includes else "nothing"
        if first != f'"{own_header.relative_to(root)}"':
            found.append(f"{path.relative_to(root)}:1: includes {first} before its own header, "
                         "which therefore is not known to compile alone")

    for match in includes:
        name = match.group(1)[1:-1]
        if match.group(1).startswith('"'):
            top = name.split("/")[0]
            if "/" not in name or top not in MAY_INCLUDE:
                report(match, f'"{name}" is not a path from the root of the tree into a layer')
            elif top != folder and top not in MAY_INCLUDE[folder]:
                report(match, f"{folder}/ must not include {top}/ ({name})")
            elif not (root / name).exists() and not name.endswith(".pb.h"):
                report(match, f'"{name}" does not exist')
            continue
        if is_system(name):
            continue
        allowed = next((f for start, f in THIRD_PARTY.items() if name.startswith(start)), None)
        if allowed is None:
            report(match, f"<{name}> is not in the table of dependencies")
        elif folder not in allowed:
            report(match, f"<{name}> must not appear in {folder}/")
        elif path.suffix == ".hpp" and folder in PLAIN_HEADERS:
            report(match, f"<{name}> in a header of {folder}/, which has only std and Plait")
    return found


def check_tree(root: Path) -> list[str]:
    found = []
    for folder in MAY_INCLUDE:
        for path in sorted((root / folder).rglob("*.[hc]pp")):
            found += check_file(root, path)
    return found


def main() -> int:
    found = check_tree(Path(sys.argv[1]).resolve())
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
