#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each protection that a small program is built without is missed by hardened.py, and no other."""

import os
import subprocess
import tempfile
import unittest

import hardened

SOURCE = """
#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
    char text[64];

    strcpy(text, argv[argc - 1]);
    return puts(text);
}
"""
SWITCHES = ["-g", "-O2", "-fPIE", "-fstack-protector-strong", "-fstack-clash-protection",
            "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-pie", "-Wl,-z,relro", "-Wl,-z,now",
            "-Wl,-z,noexecstack", "-Wl,-z,separate-code"]

# What is left out, what is said in its place, and the complaints.
PLANTS = [
    ("-pie", "-no-pie", ["no position-independent executable"]),
    ("-Wl,-z,relro", "-Wl,-z,norelro", ["no RELRO"]),
    ("-Wl,-z,now", "-Wl,-z,lazy", ["binds late: RELRO is not full"]),
    ("-Wl,-z,noexecstack", "-Wl,-z,execstack", ["its stack may be executed"]),
    ("-Wl,-z,separate-code", "-Wl,-z,noseparate-code", ["code shares a segment with data"]),
    ("-fstack-protector-strong", "-fno-stack-protector",
     ["no stack protector is called", "compiled without -fstack-protector-strong"]),
    ("-D_FORTIFY_SOURCE=3", "-D_FORTIFY_SOURCE=0", ["nothing fortified is called"]),
    ("-fstack-clash-protection", "-fno-stack-clash-protection",
     ["compiled without -fstack-clash-protection"]),
    ("-g", "-g0", ["does not tell how it was compiled"]),
]


class Hardened(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = os.path.join(folder.name, "program")

    def build(self, switches: list[str]) -> None:
        subprocess.run(["gcc", *switches, "-o", self.program, "-x", "c", "-"], input=SOURCE,
                       check=True, capture_output=True, text=True)

    def lacks(self) -> list[str]:
        return [what for lack in (hardened.layout_lacks, hardened.code_lacks, hardened.sources_lack)
                for what in lack(self.program)]

    def good(self) -> list[str]:
        self.build(["-c"])  # any program: its machine
        branch = hardened.BRANCHES.get(hardened.machine_of(self.program))
        return SWITCHES + ([branch] if branch else [])

    def test_good(self):
        self.build(self.good())
        self.assertEqual(self.lacks(), [])

    def test_plants(self):
        for without, instead, complaints in PLANTS:
            with self.subTest(instead):
                good = self.good()
                good.remove(without)
                self.build(good + [instead])
                self.assertEqual(len(self.lacks()), len(complaints), self.lacks())
                for said, wanted in zip(self.lacks(), complaints):
                    self.assertIn(wanted, said)

    def test_branches(self):
        good = self.good()
        marked = [switch for switch in good if switch in hardened.BRANCHES.values()]
        self.build([switch for switch in good if switch not in marked])
        self.assertEqual(len(self.lacks()), 2 * len(marked), self.lacks())


if __name__ == "__main__":
    unittest.main()
