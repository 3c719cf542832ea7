#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test_gate.py [BUILD] - the gate can fail: by a lowered budget, and with BUILD by planted work."""

import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "bench"), os.path.join(TOP, "tests"),
                os.path.join(TOP, "packaging")]

# pylint: disable=wrong-import-position
import budget  # noqa: E402
import callgraph  # noqa: E402
import stages  # noqa: E402
from budget import Allowance, Figures  # noqa: E402
from calls import Places, read  # noqa: E402
from scenario import Case, measure  # noqa: E402

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else ""
ALL, LOG = "a-4k.worker.instructions.all", "a-4k.worker.calls.log"

# Two functions of ours and one of base/ that both call; a number is named once.
PROFILE = """\
ob=(1) /x/posternd
fl=(1) /x/smtp/dot.c
fn=(1) dot_feed
0 100
cfi=(2) /x/base/buf.c
cfn=(2) buf_add
calls=3 7
0 30

fl=(3) /x/reinject/stuff.c
fn=(3) copy
0 10
fi=(2)
+2 5
fe=(3)
cfi=(2)
cfn=(2)
calls=1 7
* 10

fl=(2)
fn=(2)
7 40
"""

TRACE = """\
7 read(9<anon_inode:[eventfd]>, "", 8) = 8
7 sendto(41<TCP:[127.0.0.1:10024->127.0.0.1:5]>, ""..., 28, 0, NULL, 0) = 28
7 sendto(42<TCP:[127.0.0.1:5->127.0.0.1:10025]>, ""..., 28, 0, NULL, 0 <unfinished ...>
8 pwrite64(3</s/active/x/#1>(deleted), ""..., 211, 5038) = 211
7 <... sendto resumed>) = 28
8 getpid() = 7
"""


class Budget(unittest.TestCase):
    def test_kept_and_broken(self) -> None:
        allowed = {ALL: Allowance(1000, 50), LOG: Allowance(2, 0.3)}
        rows: list[tuple[str, Figures, list[str], list[str]]] = [
            ("the same", {ALL: 1000, LOG: 2}, [], []),
            ("within the tolerance", {ALL: 1050, LOG: 2.3}, [], []),
            ("more work", {ALL: 1051, LOG: 2}, [ALL], []),
            ("one call more", {ALL: 1000, LOG: 3}, [LOG], []),
            ("less", {ALL: 949, LOG: 1}, [], [LOG, ALL]),
            ("what was never there", {ALL: 1000, LOG: 2, LOG + "-twice": 1}, [LOG + "-twice"], []),
        ]
        for name, found, over, under in rows:
            with self.subTest(name):
                self.assertEqual(budget.breaches(found, allowed), over)
                self.assertEqual(budget.gains(found, allowed), under)

    def test_recorded(self) -> None:
        rounds: list[Figures] = [{ALL: 1000000, LOG: 2}, {ALL: 1000100, LOG: 2.5},
                                 {ALL: -500000, LOG: 3}]
        allowed = budget.allowances(rounds)
        self.assertEqual(allowed[ALL], Allowance(1000000, 20000))  # the share; one stray is none
        self.assertEqual(allowed[LOG], Allowance(2.5, 1.5))        # thrice what it wobbled by
        with tempfile.NamedTemporaryFile() as file:
            budget.write(allowed, file.name)
            self.assertEqual(budget.read(file.name), allowed)


class Counting(unittest.TestCase):
    def test_profile(self) -> None:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(PROFILE)
            file.flush()
            profile = callgraph.read(file.name)
        self.assertEqual(profile.total, 155)
        found = stages.by_stage(profile)
        self.assertEqual((found["receive"], found["send"]), (130, 25))
        twice = callgraph.sum_of([profile, profile])
        self.assertEqual(twice.less(profile, 5).total, 31)

    def test_trace(self) -> None:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(TRACE)
            file.flush()
            found = read(file.name, Places(10024, 10025, "/s", "/log"), 2)
        self.assertEqual(dict(found), {("threads", "read"): 0.5, ("client", "sendto"): 0.5,
                                       ("next hop", "sendto"): 0.5,
                                       ("message file", "pwrite64"): 0.5, ("other", "getpid"): 0.5})


class Planted(unittest.TestCase):
    def test_loop_and_calls(self) -> None:
        plant = os.path.join(BUILD, "tests", "bench", "count", "plant.so")
        found = budget.figures(measure(BUILD, [Case("spool", "4 KB", 16)], plant)[0])
        broken = budget.breaches(found, budget.read())
        self.assertIn("spool-4k.worker.instructions.all", broken)
        self.assertIn("spool-4k.worker.calls.other", broken)


if __name__ == "__main__":
    unittest.main(defaultTest=["Planted"] if BUILD else ["Budget", "Counting"])
