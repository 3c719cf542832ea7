#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each rule finds what is planted against it in a copy of the tree, and only there."""

import os
import shutil
import sys
import tempfile
import unittest
from typing import Optional

import check

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SPDX = "// " + check.SPDX + "\n"

# Rule, file, what it becomes, and a word of the complaint. A name in capitals is joined here, so
# that this file itself breaks no rule.
PLANTS = [
    ("includes_point_left", "smtp/planted.h", SPDX + '#include "spool/format.h"\n', "spool/format.h"),
    ("includes_point_left", "tool/planted.h", SPDX + '#include "src/main.h"\n', "src/main.h"),
    ("doors_as_listed", "smtp/planted.c", SPDX + "#include <openssl/ssl.h>\n", "base/tls.c"),
    ("doors_as_listed", "smtp/planted.c", SPDX + "#include <unlisted.h>\n", "tests/rules/doors"),
    ("doors_as_listed", "base/loop.c", SPDX + "#include <event2/http.h>\n", "track/web/web.c"),
    ("doors_as_listed", "track/web/web.c", SPDX + "#include <event2/event.h>\n", "base/loop.c"),
    ("doors_as_listed", "tests/rules/doors", "zlib.h base/a.c smtp/b.c\n", "several rooms"),
    ("headers_hide_libraries", "base/planted.h", SPDX + "#include <event2/event.h>\n", "event2"),
    ("sources_have_tests", "smtp/planted.c", SPDX, "test_planted.c"),
    ("sources_have_tests", "tests/rules/untested", "base/gone.c it was here once\n", "not exist"),
    ("licence_comes_first", "smtp/planted.h", "#include <stdio.h>\n", "begin with"),
    ("licence_comes_first", "tests/planted.py", "#!/usr/bin/python3\nimport os\n", "begin with"),
    ("names_are_unique", "spool/buf.c", SPDX, "base/buf.c"),
    ("words_belong_here", "smtp/planted.h", SPDX + "// TO" + "DO: finish\n", "does not belong"),
    ("words_belong_here", "conf/planted.conf", "# see /wo" + "rk/notes\n", "does not belong"),
    ("files_are_short", "smtp/planted.h", SPDX + "\n" * 501, "502 lines"),
    ("functions_are_short", "smtp/planted.c", SPDX + "int\nf(void)\n{\n" + "\n" * 61 + "}\n", "61"),
    ("no_static_prototypes", "smtp/planted.c", SPDX + "static int f(int a,\n    int b);\n", "static"),
    ("asserts_stay", "cmake/Planted.cmake", "add_compile_definitions(-DND" + "EBUG)\n", "assert"),
    ("skips_are_listed", "tests/system/planted.py", "self.skip" + "Test('slow')\n", "skips"),
    ("skips_are_listed", "tests/system/planted.py", 'self.skip_' + 'if("unheard", True)\n', "unheard"),
    ("format_is_clean", "smtp/planted.h", SPDX + "int   x ;\n", "clang-format"),
]


def copy_tree(target: str) -> None:
    tree = check.Tree(ROOT)
    for path in tree.files:
        os.makedirs(os.path.join(target, os.path.dirname(path)), exist_ok=True)
        shutil.copy(os.path.join(ROOT, path), os.path.join(target, path))


def read(path: str) -> Optional[str]:
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path: str, text: Optional[str]) -> None:
    if text is None:
        os.unlink(path)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class PlantedViolations(unittest.TestCase):
    folder: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.mkdtemp(prefix="postern-rules-")
        copy_tree(cls.folder)

    @classmethod
    def tearDownClass(cls) -> None:
        shutil.rmtree(cls.folder)

    def found(self, rule: str) -> list[str]:
        tree = check.Tree(self.folder)
        if rule == "format_is_clean":  # a process a file: the other rooms' are as they are
            tree.files = [path for path in tree.files if path.startswith("smtp/")]
        return list(check.RULES[rule](tree))

    def test_each_is_found(self) -> None:
        for rule, path, text, word in PLANTS:
            with self.subTest(rule=rule, path=path):
                before = self.found(rule)
                full = os.path.join(self.folder, path)
                kept = read(full)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                write(full, text)
                after = self.found(rule)
                write(full, kept)
                new = [line for line in after if line not in before]
                self.assertTrue(any(word in line for line in new), new)

    def test_every_rule_is_planted_against(self) -> None:
        self.assertEqual({row[0] for row in PLANTS}, set(check.RULES))


if __name__ == "__main__":
    sys.exit(unittest.main())
