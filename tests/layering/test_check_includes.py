# SPDX-License-Identifier: Apache-2.0
"""The include check on small trees: what it must accept and what it must refuse."""

import tempfile
import unittest
from pathlib import Path

from check_includes import check_tree


class CheckIncludes(unittest.TestCase):
    def check(self, files: dict[str, str]) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return check_tree(root)

    def test_downward_arrows_pass(self):
        self.assertEqual([], self.check({
            "sim/a.hpp": "#include <vector>\n",
            "sim/a.cpp": '#include "sim/a.hpp"\n#include <fmt/format.h>\n',
            "models/cc/b.hpp": '#include "sim/a.hpp"\n',
            "study/c.cpp": '#include <sqlite3.h>\n#include "models/cc/b.hpp"\n',
        }))

    def test_upward_arrow(self):
        found = self.check({"models/b.hpp": "", "sim/a.hpp": '#pragma once\n#include "models/b.hpp"\n'})
        self.assertEqual(["sim/a.hpp:2: sim/ must not include models/ (models/b.hpp)"], found)

    def test_sideways_arrow(self):
        found = self.check({"topologies/b.hpp": "", "workloads/a.cpp": ' # include "topologies/b.hpp"\n'})
        self.assertEqual(
            ["workloads/a.cpp:1: workloads/ must not include topologies/ (topologies/b.hpp)"], found)

    def test_nobody_includes_the_tests(self):
        found = self.check({"tests/t.hpp": "", "study/a.cpp": '#include "tests/t.hpp"\n'})
        self.assertEqual(1, len(found))

    def test_relative_include(self):
        self.assertEqual(1, len(self.check({"sim/b.hpp": "", "sim/a.cpp": '#include "b.hpp"\n'})))

    def test_third_party_in_a_plain_header(self):
        found = self.check({"sim/a.hpp": "#include <fmt/format.h>\n"})
        self.assertIn("only std and Plait", found[0])

    def test_third_party_in_the_wrong_folder(self):
        found = self.check({"models/a.cpp": "#include <boost/graph/graph_traits.hpp>\n"})
        self.assertIn("must not appear in models/", found[0])

    def test_unknown_third_party(self):
        found = self.check({"cli/a.cpp": "#include <cxxopts.hpp>\n"})
        self.assertIn("not in the table", found[0])

    def test_own_header_comes_first(self):
        found = self.check({"sim/a.hpp": "", "sim/a.cpp": '#include <vector>\n#include "sim/a.hpp"\n'})
        self.assertIn("before its own header", found[0])


if __name__ == "__main__":
    unittest.main()
