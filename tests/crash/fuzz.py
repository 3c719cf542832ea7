# SPDX-License-Identifier: BSD-2-Clause
"""Hostile bytes: each entry of tests/fuzz for some time, and what all runs so far come to.

Needs a build with libFuzzer (as .ci/run makes it in build/fuzz). What one run finds worth keeping
is where the next begins: FUZZ_CORPUS [build/fuzz-corpus] has a folder of inputs for each entry,
those that broke it (found/ENTRY), and figures.json: what the runs came to that are not recorded
yet. --record adds that to fuzz.json beside this file. First are the entries that had least time.
"""

import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import Optional

from document import TOP
from table import Table

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDED = os.path.join(HERE, "fuzz.json")
CORPUS = os.environ.get("FUZZ_CORPUS", os.path.join(TOP, "build", "fuzz-corpus"))
FULL = 1800.0  # seconds for each entry, without --share
LEAST = 5.0  # shorter is mostly start and corpus
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", "-reload=0"]
PROGRESS = re.compile(r"^#\d+\s.*\bcov: (\d+) ft: (\d+)(?: corp: (\d+)/)?", re.M)
EXECUTED = re.compile(r"^(?:stat::number_of_executed_units: +|#)(\d+)", re.M)


@dataclass
class Figures:
    """Of one entry. coverage, features and corpus: the last run's; the rest adds up."""
    seconds: float = 0
    executions: int = 0
    coverage: int = 0
    features: int = 0
    corpus: int = 0
    found: int = 0

    def add(self, other: "Figures") -> None:
        self.seconds = round(self.seconds + other.seconds, 1)
        self.executions += other.executions
        self.found += other.found
        if other.coverage:
            self.coverage, self.features = other.coverage, other.features
            self.corpus = other.corpus


def load(path: str) -> dict[str, Figures]:
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return {name: Figures(**figures) for name, figures in json.load(file).items()}


def save(path: str, figures: dict[str, Figures]) -> None:
    """Whole or not at all: a run may be stopped at any time."""
    lines = [f'"{name}": {json.dumps(asdict(one))}' for name, one in sorted(figures.items())]
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
    os.replace(path + ".new", path)


def added(path: str, name: str, one: Figures) -> None:
    figures = load(path)
    figures.setdefault(name, Figures()).add(one)
    save(path, figures)


def so_far(pending: str) -> dict[str, Figures]:
    """What is recorded, and what came since."""
    figures = load(RECORDED)
    for name, one in load(pending).items():
        figures.setdefault(name, Figures()).add(one)
    return figures


class Entry:
    """One libFuzzer program with its seeds, its corpus, and what broke it."""

    def __init__(self, program: str):
        self.program = program
        self.name = os.path.basename(program).removeprefix("fuzz_")
        self.seeds = os.path.join(TOP, "tests", "fuzz", "seeds", self.name)
        self.corpus = os.path.join(CORPUS, self.name)
        self.broken = os.path.join(CORPUS, "found", self.name)
        os.makedirs(self.corpus, exist_ok=True)
        os.makedirs(self.broken, exist_ok=True)

    def found(self) -> list[str]:
        return sorted(glob.glob(os.path.join(self.broken, "*")))

    def execute(self, *arguments: str, limit: float) -> tuple[int, str]:
        done = subprocess.run([self.program, *LIMITS, f"-artifact_prefix={self.broken}/",
                               *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", check=False, timeout=limit)
        return done.returncode, done.stdout + done.stderr

    def settle(self) -> None:
        """What broke it once and breaks it no more is an input like others."""
        for path in self.found():
            code, _ = self.execute(path, limit=600)
            if code == 0:
                shutil.move(path, os.path.join(self.corpus, os.path.basename(path)))

    def shrink(self, size: int) -> None:
        """Of inputs that reach the same the smallest is enough."""
        if len(os.listdir(self.corpus)) <= 2 * size + 100:
            return
        new = self.corpus + ".new"
        os.makedirs(new, exist_ok=True)
        if self.execute("-merge=1", new, self.corpus, limit=600)[0] == 0:
            shutil.rmtree(self.corpus)
            os.rename(new, self.corpus)
        else:
            shutil.rmtree(new)

    def fuzz(self, seconds: float) -> tuple[Figures, str]:
        """What it came to, and where it broke what it said last."""
        before, begin = len(self.found()), time.monotonic()
        code, said = self.execute(f"-max_total_time={max(int(seconds), 1)}",
                                  "-print_final_stats=1", self.corpus, self.seeds,
                                  limit=seconds * 3 + 600)
        took = round(time.monotonic() - begin, 1)
        executed = max(map(int, EXECUTED.findall(said)), default=0)
        progress = PROGRESS.findall(said)
        edges, features, corpus = progress[-1] if progress else ("0", "0", "0")
        found = max(len(self.found()) - before, int(code != 0))
        return (Figures(took, executed, int(edges), int(features), int(corpus or 0), found),
                said[-3000:] if code != 0 else "")


def entries_of(build: str) -> list[Entry]:
    """The programs of that build that libFuzzer is in: others would only run their seeds."""
    programs = [path for path in sorted(glob.glob(os.path.join(build, "tests", "fuzz", "fuzz_*")))
                if os.path.isfile(path) and os.access(path, os.X_OK)]
    if programs:
        said = subprocess.run([programs[0], "-help=1"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if "max_total_time" not in said.stdout + said.stderr:
            programs = []
    return [Entry(program) for program in programs]


def run(options: argparse.Namespace) -> Table:
    pending = os.path.join(CORPUS, "figures.json")
    entries = entries_of(options.build)
    for entry in entries:
        entry.settle()
    notes = work(entries, options.share, pending) if entries else [
        f"No fuzzers in {options.build}."]
    figures = so_far(pending)
    if options.record:
        save(RECORDED, figures)
        if os.path.exists(pending):
            os.unlink(pending)
    return show(entries, figures, notes)


def work(entries: list[Entry], share: Optional[float], pending: str) -> list[str]:
    before = so_far(pending)
    entries = sorted(entries, key=lambda entry: before.get(entry.name, Figures()).seconds)
    each = FULL if share is None else max(share / len(entries), LEAST)
    end = None if share is None else time.monotonic() + share
    notes = []
    for entry in entries:
        if end is not None and time.monotonic() + each > end + LEAST:
            break
        figures, trouble = entry.fuzz(each)
        added(pending, entry.name, figures)
        if trouble:
            notes.append(f"{entry.name}:\n\n```\n{trouble}\n```")
        entry.shrink(figures.corpus)
    return notes


def show(entries: list[Entry], figures: dict[str, Figures], notes: list[str]) -> Table:
    """open: inputs that break it still."""
    notes = ["Minutes by the clock. Edges and corpus are those of the last run.", *notes]
    table = Table("fuzz", ("entry", "minutes", "executions", "edges covered", "corpus",
                           "found and mended", "open"), ("open",), notes)
    total = Figures()
    open_all = 0
    for entry in entries:
        one = figures.get(entry.name, Figures())
        total.add(Figures(one.seconds, one.executions, found=one.found))
        left = len(entry.found())
        open_all += left
        table.add(entry.name, f"{one.seconds / 60:.1f}", one.executions, one.coverage, one.corpus,
                  max(one.found - left, 0), left)
    if entries:
        table.add("all", f"{total.seconds / 60:.1f}", total.executions, "", "",
                  max(total.found - open_all, 0), open_all)
    return table
