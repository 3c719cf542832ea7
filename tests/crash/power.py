# SPDX-License-Identifier: BSD-2-Clause
"""Power cuts: ext4 and xfs stop under load, are mounted again, and nothing is missing."""

import argparse
import contextlib
import glob
import os
import pwd
import random
import shutil
import sqlite3
import tempfile
import time
from dataclasses import dataclass, field
from typing import Iterator

import disk
import spoolfile
import table
from account import Book, Result, Twice, files_below
from case import BUILD, Skipped
from flow import RULES, Flow, Mailbox
from lab import ports
from lab.daemon import USER, Postern, Settings, is_alive
from lab.process import family_of, wait_until

CUTS = 100      # of each file system
WINDOW = 1.0    # seconds before a cut in which `sent` may not be durable; promised are 0.1
FLAGS = (*[disk.LOG_LOST] * 4, disk.LOG_FLUSHED, disk.ALL_FLUSHED)


@dataclass
class Sum:
    """Of one file system."""
    cuts: int = 0
    offered: int = 0
    acknowledged: int = 0
    in_work: int = 0     # at the cuts
    twice: int = 0       # as allowed
    damaged: int = 0     # set aside as never acknowledged
    # How long before a cut that forgot it something had come to the sink, and what.
    gaps: list[tuple[float, str]] = field(default_factory=list)
    unreported: int = 0  # not in the ledger
    idents: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)  # twice without a reason
    wrong: list[str] = field(default_factory=list)

    def said_of_gaps(self, kind: str) -> str:
        gaps = sorted(gap for gap, _ in self.gaps)
        if not gaps:
            return f"{kind}: nothing went out twice."
        return (f"{kind}: what went out twice had come to the sink {gaps[len(gaps) // 2]:.3f} s "
                f"before a cut (median), {gaps[len(gaps) * 95 // 100]:.3f} s (of 20 the longest), "
                f"{gaps[-1]:.3f} s (longest).")


class Stage:
    """Postern on a disk that fails, in front of a sink that does not."""

    def __init__(self, kind: str, folder: str):
        self.disk = disk.Disk(kind, folder)
        self.sink = Mailbox().start()
        numbers = ports.take(), ports.take()
        self.addresses = numbers
        self.postern = Postern(BUILD, os.path.join(folder, kind + "-postern"), Settings(
            listeners={f"inet:127.0.0.1:{numbers[0]}": "",
                       f"inet:127.0.0.1:{numbers[1]}": "handoff = relay"},
            hops={self.sink.address: "dead_time = 1s"}, rules=RULES,
            spool={"retry": '{"100ms"}'}))
        self.postern.spool = os.path.join(self.disk.folder, "spool")
        self.postern.ledger = os.path.join(self.disk.folder, "ledger", "ledger.db")
        for path in (self.postern.spool, os.path.dirname(self.postern.ledger)):
            os.makedirs(path)
            os.chown(path, pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)
        self.postern.start(verbose=False)

    def cut(self, flag: int, pause: float) -> float:
        """pause: until the processes are gone, too; they must not say what is no longer true."""
        self.disk.cut(flag)
        at = time.time()
        time.sleep(pause)
        master = self.postern.master
        assert master is not None
        family = family_of(master.pid)
        master.kill_group()
        self.postern.master = None
        wait_until(lambda: not any(is_alive(pid) for pid in family), 20, "all processes to end")
        return at

    def power_up(self) -> int:
        """Messages that lie there."""
        self.disk.unmount()
        self.disk.mount()
        found = len(spoolfile.live(self.postern.spool))
        self.postern.start(verbose=False)
        return found

    def drain(self) -> None:
        wait_until(lambda: not spoolfile.live(self.postern.spool), 60, "an empty spool", 0.05)

    def tidy(self) -> None:
        """What has been looked at."""
        self.sink.forget()
        for place in ("hold", "quarantine", "corrupt"):
            for path in files_below(os.path.join(self.postern.spool, place)):
                os.unlink(path)

    def close(self) -> None:
        self.postern.stop()
        self.sink.stop()
        self.disk.close()


def is_allowed(twice: Twice, cuts: list[float], total: Sum) -> bool:
    """The same message, and the first copy came so shortly before a cut that `sent` was lost."""
    times = sorted(copy.at for copy in twice.copies)
    if len({copy.ident for copy in twice.copies}) != 1 or 0 in times:
        return False
    for at in times[:-1]:
        gaps = [cut - at for cut in cuts if cut - at > -0.5]
        if not gaps or min(gaps) > WINDOW:
            return False
        total.gaps.append((min(gaps), twice.recipient))
    return True


def settle(stage: Stage, book: Book, cuts: list[float], total: Sum) -> None:
    result: Result = book.check(stage.sink.taken(), stage.postern.spool)
    damaged = [path for path in result.orphans if "/corrupt/" in path]
    allowed = [one for one in result.twice if is_allowed(one, cuts, total)]
    total.damaged += len(damaged)
    total.twice += len(allowed)
    total.lost += result.lost
    total.unasked += [f"{one.recipient}: {one.copies}, cuts {cuts}" for one in result.twice
                      if one not in allowed]
    total.wrong += [path for path in result.orphans if path not in damaged]
    total.wrong += result.torn + result.astray
    total.offered += len(book.offers)
    for offer in book.offers.values():
        total.acknowledged += bool(offer.acknowledged)
        total.idents |= offer.idents
    alarms = len(stage.postern.log_lines("alarm: .*damaged, put into corrupt/"))
    if alarms != total.damaged:
        total.wrong.append(f"{alarms} alarms for {total.damaged} damaged files")


def one_round(stage: Stage, dice: random.Random, total: Sum) -> None:
    """One cut, or a second while the first is being recovered from."""
    book = Book()
    cuts = []
    for _ in range(1 if dice.random() < 0.75 else 2):
        flow = Flow(stage.addresses, book, dice.randrange(1 << 30), total.cuts * 1_000_000)
        time.sleep(dice.uniform(0.05, 0.8))
        cuts.append(stage.cut(dice.choice(FLAGS), dice.choice((0, 0, 0.005, 0.05))))
        flow.end()
        total.cuts += 1
        total.wrong += flow.odd
        total.in_work += stage.power_up()
    stage.drain()
    settle(stage, book, cuts, total)
    stage.tidy()


def ledger_rows(path: str) -> set[str]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
        said = ledger.execute("PRAGMA integrity_check").fetchall()
        assert said == [("ok",)], said
        return {row[0] for row in ledger.execute("SELECT id FROM messages")}


def check_ledger(stage: Stage, total: Sum) -> None:
    """It opens and is whole; what it misses was with the scribe when the power went."""
    path = stage.postern.ledger
    if glob.glob(path + ".damaged-*") or stage.postern.log_lines("alarm: the ledger was"):
        total.wrong.append("the ledger was damaged")
    stage.postern.stop()
    total.unreported = len(total.idents - ledger_rows(path))


@contextlib.contextmanager
def staged(kind: str, folder: str) -> Iterator[Stage]:
    stage = Stage(kind, folder)
    try:
        yield stage
    finally:
        stage.close()


def walk(kind: str, options: argparse.Namespace, folder: str) -> Sum:
    total = Sum()
    dice = random.Random(f"{kind} {options.seed}")
    end = time.monotonic() + options.share / 2 if options.share else float("inf")
    with staged(kind, folder) as stage:
        while total.cuts < CUTS and time.monotonic() < end and not (total.lost or total.wrong):
            one_round(stage, dice, total)
        check_ledger(stage, total)
    return total


def run(options: argparse.Namespace) -> table.Table:
    result = table.Table("power", (
        "file system", "cuts", "recipients", "acknowledged", "in work at the cuts", "lost",
        "twice", "twice without reason", "set aside as damaged", "not in the ledger", "wrong"),
        ("lost", "twice without reason", "wrong"))
    folder = tempfile.mkdtemp(prefix="postern-power-")
    os.chmod(folder, 0o755)
    for kind in disk.MAKE:
        try:
            disk.need(kind, folder)
        except Skipped as skipped:
            result.notes.append(f"{kind} was left out: {skipped}")
            continue
        total = walk(kind, options, folder)
        result.add(kind, total.cuts, total.offered, total.acknowledged, total.in_work,
                   len(total.lost), total.twice, len(total.unasked), total.damaged,
                   total.unreported, len(total.wrong))
        result.notes.append(total.said_of_gaps(kind))
        result.notes += (total.lost + total.unasked + total.wrong)[:20]
    if not result.rows:
        raise Skipped(result.notes[0])
    if result.is_good():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        result.notes.append(f"Everything is in {folder}.")
    return result
