# SPDX-License-Identifier: BSD-2-Clause
"""What runs out while mail flows: what clients hear, when it goes on by itself, what is lost.

tests/system has what clients are told of a full disk and of too long a queue (test_failures.py),
and a ledger that cannot be written (test_ledger.py).
"""

import argparse
import contextlib
import os
import pwd
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from typing import Iterator

import shortages
import spoolfile
import table
from account import Book, Result
from case import BUILD, Skipped
from flow import RULES, Flow, Mailbox
from lab import ports
from lab.client import Refused, send
from lab.daemon import USER, Postern, Settings
from lab.process import Timeout, wait_until
from shortages import Fault

NOTE = ("Refused, and how long an answer took, is what clients saw from the fault's beginning on. "
        "Recovered: from its end until a new message was accepted and had arrived; the spool was "
        "empty so long after that (what could not be written is tried again after a minute).")
BEFORE, BEHIND = 0.5, 0.5  # seconds of mail
RECOVERY_MAX = 90.0
# Until the spool is empty: where there is time for it; where there is none, and then `retry all`.
PATIENT, IMPATIENT, ASKED = 100.0, 10.0, 90.0
PAUSE = 0.02  # of each client, in front of each message
LAST = 25.0   # of a share, for its last fault: what cannot leave the spool comes again in a minute


@dataclass
class Row:
    acknowledged: int = 0
    refused: str = ""
    longest: float = 0.0
    recovered: float = -1.0
    restarts: int = 0      # by what would run it
    waiting: int = 0       # messages that a fault put off for longer
    emptied: float = -1.0  # seconds until the spool was empty, from the end of the fault
    result: Result = field(default_factory=Result)
    wrong: list[str] = field(default_factory=list)


class Stage:
    def __init__(self, fault: Fault, folder: str):
        self.fault = fault
        self.sink = Mailbox().start()
        self.book = Book()
        self.addresses = ports.take(), ports.take()
        self.postern = Postern(BUILD, os.path.join(folder, "postern"), Settings(
            listeners={f"inet:127.0.0.1:{self.addresses[0]}": "",
                       f"inet:127.0.0.1:{self.addresses[1]}": "handoff = relay"},
            hops={self.sink.address: "dead_time = 1s"}, rules=RULES,
            spool={"retry": '{"1s"}'}))

    def start(self) -> None:
        os.makedirs(self.postern.spool, exist_ok=True)
        os.chown(self.postern.spool, pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)
        self.postern.start(verbose=False, **self.fault.popen)

    def start_again(self, row: Row) -> None:
        """As a service manager does, where the master itself is gone."""
        if self.postern.master is not None and self.postern.master.is_running():
            return
        row.restarts += 1
        self.postern.stop()
        self.start()

    def say_hello(self) -> bool:
        """A new message is accepted and arrives."""
        path = f"s-new-{time.monotonic_ns()}@example.com"
        try:
            send(self.addresses[0], "ann@example.org", [path], b"Subject: new\r\n\r\nHello.\r\n")
        except (OSError, Refused, ValueError):
            return False
        end = time.monotonic() + 5
        while time.monotonic() < end:
            if any(path.encode() in one.recipients for one in self.sink.taken()):
                return True
            time.sleep(0.02)
        return False

    def is_empty(self) -> bool:
        return not spoolfile.live(self.postern.spool)


def strike(stage: Stage, row: Row, seed: int) -> None:
    """Mail, the fault, its end, and mail again."""
    fault = stage.fault
    flow = Flow(stage.addresses, stage.book, seed, pause=PAUSE)
    try:
        time.sleep(BEFORE)
        before = flow.acknowledged
        fault.begin(stage.postern)
        flow.longest = 0.0
        flow.refused.clear()
        end = time.monotonic() + fault.seconds
        while time.monotonic() < end:
            fault.keep(stage.postern)
            time.sleep(0.05)
        row.acknowledged = flow.acknowledged - before
        if fault.restarts:
            stage.postern.stop()
        fault.end(stage.postern)
        since = time.monotonic()
        stage.start_again(row)
        with contextlib.suppress(Timeout):
            wait_until(stage.say_hello, RECOVERY_MAX, "mail to go on", 0.05)
            row.recovered = time.monotonic() - since
        time.sleep(BEHIND)
    finally:
        flow.end()
    row.refused = ", ".join(f"{code} ({count})" for code, count in sorted(flow.refused.items()))
    row.longest = flow.longest
    row.wrong += flow.odd


def settle(stage: Stage, row: Row, is_patient: bool) -> None:
    """A patient one lets all go on by itself; else what was put off is asked for."""
    since = time.monotonic()
    with contextlib.suppress(Timeout):
        wait_until(stage.is_empty, PATIENT if is_patient else IMPATIENT, "an empty spool", 0.1)
    row.emptied = time.monotonic() - since
    row.waiting = len(spoolfile.live(stage.postern.spool))
    if row.waiting:
        stage.postern.tool("retry", "all", check=False)
        with contextlib.suppress(Timeout):
            wait_until(stage.is_empty, ASKED, "an empty spool", 0.1)
    row.result = stage.book.check(stage.sink.taken(), stage.postern.spool)
    row.wrong += row.result.torn + row.result.orphans + row.result.astray
    if row.recovered < 0:
        row.wrong.append("did not recover")
    if is_patient and row.waiting:
        row.wrong.append(f"{row.waiting} messages had to be asked for")


@contextlib.contextmanager
def staged(fault: Fault, folder: str) -> Iterator[Stage]:
    stage = Stage(fault, folder)
    try:
        fault.prepare(stage.postern, folder)
        stage.start()
        yield stage
    finally:
        stage.postern.stop()
        stage.sink.stop()
        fault.close()


def walk(fault: Fault, options: argparse.Namespace, folder: str) -> Row:
    row = Row()
    with staged(fault, folder) as stage:
        strike(stage, row, options.seed)
        settle(stage, row, options.share is None)
    return row


def run(options: argparse.Namespace) -> table.Table:
    result = table.Table("faults", (
        "fault", "acknowledged meanwhile", "refused", "longest wait", "recovered after",
        "spool empty after", "restarted", "lost", "twice", "wrong"), ("lost", "wrong"), [NOTE])
    seconds = options.share and max(options.share - LAST, 1.0)
    for fault in table.shared(shortages.all_faults(), seconds):
        folder = tempfile.mkdtemp(prefix="postern-fault-")
        os.chmod(folder, 0o755)
        try:
            row = walk(fault, options, folder)
        except Skipped as skipped:
            result.notes.append(f"{fault.name} was left out: {skipped}")
            shutil.rmtree(folder, ignore_errors=True)
            continue
        result.add(fault.name, row.acknowledged, row.refused or "-", f"{row.longest:.1f} s",
                   f"{row.recovered:.1f} s", f"{row.emptied:.1f} s", row.restarts,
                   len(row.result.lost), len(row.result.twice), len(row.wrong))
        if row.result.lost or row.wrong:
            result.notes.append(f"{fault.name}: {'; '.join((row.result.lost + row.wrong)[:8])} "
                                f"({folder})")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if not result.rows:
        raise Skipped(result.notes[-1])
    return result
