# SPDX-License-Identifier: BSD-2-Clause
"""Every crash point: each process is killed, or gets an error or half of what it asked for, at its
first, second, ... call of each kind while mail of all fates flows; then the book is held against
what came of it.
"""

import argparse
import collections
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from typing import Iterator

import share
from scene import Variant
from table import Table, shared
from tamper import KILL, SHORT, Point, points_of
from target import MASTER, ROLES, SCRIBE, WORKER, Outcome, Target

VARIANTS = (Variant("spool", "smtp"), Variant("relay", "smtp"), Variant("relay", "lmtp"))
GROUPS = [*((WORKER, variant) for variant in VARIANTS),
          *((role, variant) for role in ROLES if role != WORKER
            for variant in (VARIANTS[0], VARIANTS[-1]))]
CALLS_MAX = {SCRIBE: 20}  # of a kind: it looks at all of /proc in turn
IN_TURN = (MASTER, SCRIBE)  # at each call one error, the next one at the next: it takes seconds
A_SECOND = 5  # points, about
LANES = 4  # more than cores: each waits most of the time
COLUMNS = ("process", "hand-off", "at a call", "kinds of calls", "points", "lost", "twice, allowed",
           "twice", "orphans", "torn", "stuck", "aborted")
BAD = ("lost", "twice", "orphans", "torn", "stuck")

Task = tuple[str, Variant, Point]


class Lanes:
    """Processes that each walk points, one after the other, on a Postern of their own."""

    def __init__(self, build: str, folder: str):
        self.tasks: multiprocessing.Queue = multiprocessing.Queue(2 * LANES)
        self.results: multiprocessing.Queue = multiprocessing.Queue()
        self.lanes = [multiprocessing.Process(target=self._walk, daemon=True, args=(
            build, os.path.join(folder, str(number)))) for number in range(LANES)]
        for lane in self.lanes:
            lane.start()

    def _walk(self, build: str, folder: str) -> None:
        os.makedirs(folder, mode=0o755)
        target = None
        for role, variant, point in iter(self.tasks.get, None):
            if target is None or target.variant != variant:
                if target is not None:
                    target.close()
                target = Target(folder, build, variant)
            self.results.put(target.run(role, point))
        if target is not None:
            target.close()
        self.results.put(None)

    def walk(self, tasks: Iterator[Task]) -> Iterator[Outcome]:
        asked = 0
        for task in tasks:
            self.tasks.put(task)
            asked += 1
            while not self.results.empty():
                asked -= 1
                yield self.results.get()
        for _ in range(asked):
            yield self.results.get()

    def end(self) -> None:
        for _ in self.lanes:
            self.tasks.put(None)
        for lane in self.lanes:
            lane.join(60)


def groups_of(seconds: float | None) -> list[tuple[str, Variant]]:
    """With a share, as many as can be counted in it, others each commit."""
    if seconds is None:
        return GROUPS
    first = share.rotation() * 7 % len(GROUPS)
    return (GROUPS + GROUPS)[first:first + LANES]


def count(lanes: Lanes, groups: list[tuple[str, Variant]]) -> list[Task]:
    """All points of these, by the calls of a run that nothing befalls."""
    tasks: list[Task] = []
    for outcome in lanes.walk((role, variant, Point()) for role, variant in groups):
        assert not outcome.said, f"without tampering: {outcome.said}"
        assert outcome.calls, f"{outcome.role} makes no calls"
        most = CALLS_MAX.get(outcome.role, sys.maxsize)
        calls = {name: min(number, most) for name, number in outcome.calls.items()}
        tasks += [(outcome.role, outcome.variant, point)
                  for point in points_of(calls, outcome.role in IN_TURN)]
    return tasks


def chosen(tasks: list[Task], options: argparse.Namespace) -> list[Task]:
    """With a share, some of all kinds, others each commit; no lane changes its Postern often."""
    if options.share is None:
        return tasks
    count_max = min(len(tasks), int(options.share * A_SECOND))
    some = random.Random(share.rotation() + options.seed).sample(tasks, count_max)
    return sorted(some, key=lambda task: VARIANTS.index(task[1]))


def kind_of(point: Point) -> str:
    return point.what if point.what in (KILL, SHORT) else "error"


def add_rows(table: Table, outcomes: list[Outcome]) -> None:
    rows: dict[tuple[str, Variant, str], list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        rows[outcome.role, outcome.variant, kind_of(outcome.point)].append(outcome)
    for (role, variant, kind), group in sorted(rows.items(), key=lambda row: (
            ROLES.index(row[0][0]), VARIANTS.index(row[0][1]), row[0][2])):
        sums = [sum(getattr(outcome, name) for outcome in group) for name in (
            "lost", "twice_allowed", "twice", "orphans", "torn", "stuck", "aborted")]
        table.add(role, variant, kind, len({outcome.point.call for outcome in group}),
                  len(group), *sums)


def walk(lanes: Lanes, options: argparse.Namespace) -> list[Outcome]:
    tasks = count(lanes, groups_of(options.share))
    print(f"{len(tasks)} points", file=sys.stderr, flush=True)
    outcomes = []
    for outcome in lanes.walk(shared(chosen(tasks, options), options.share)):
        if not outcome.has_fired:
            continue  # it made fewer calls this time
        outcomes.append(outcome)
        if outcome.said:
            print(f"{outcome.role}, {outcome.variant}, {outcome.point}: {outcome.said}",
                  file=sys.stderr, flush=True)
    return outcomes


def run(options: argparse.Namespace) -> Table:
    table = Table("points", COLUMNS, BAD)
    folder = tempfile.mkdtemp(prefix="postern-points-")
    os.chmod(folder, 0o755)
    lanes = Lanes(os.environ["POSTERN_BUILD"], folder)
    begun = time.monotonic()
    try:
        outcomes = walk(lanes, options)
        seconds = time.monotonic() - begun
    finally:
        lanes.end()
    add_rows(table, outcomes)
    table.notes.append(f"{len(outcomes)} points in all, {len(outcomes) / seconds:.1f} a second.")
    table.notes += [f"{outcome.role}, {outcome.variant}, {outcome.point}: {outcome.said}"
                    for outcome in outcomes if outcome.said]
    if table.is_good():
        shutil.rmtree(folder, ignore_errors=True)
    return table
