# SPDX-License-Identifier: BSD-2-Clause
"""A Postern that is tampered with while mail flows, and what came of it."""

import os
import re
import shutil
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

import spoolfile
from account import Book, Result, Twice
from lab.client import Client, Refused
from lab.process import Process, Timeout, children_of, status_number, wait_until
from scene import PATIENCE, PAUSE, Scene, Variant
from tamper import NOTHING, Point, Seen, Tamper, program_of

MASTER, WORKER, NURSERY, DISSECTOR, SCRIBE = ROLES = (
    "master", "worker", "nursery", "dissector", "scribe")
DEATHS_MAX = 3  # then children are replaced with a pause: a fresh start is faster
SCRIBE_LAG = 0.4  # it gathers what it writes
RELOAD_MAX = 2.0
NUDGE = 2.0
RELOADED = r"is in force|reload refused|cannot"
DIED = re.compile(r"was killed by signal (\d+)")


@dataclass
class Outcome:
    role: str
    variant: Variant
    point: Point
    has_fired: bool = False
    calls: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    twice: int = 0
    twice_allowed: int = 0
    orphans: int = 0
    torn: int = 0
    stuck: int = 0     # recipients for whom mail did not go on
    aborted: int = 0   # processes that ended by another signal than ours
    said: str = ""


class Target:
    def __init__(self, folder: str, build: str, variant: Variant):
        self.scene = Scene(folder, build, variant)
        self.postern = self.scene.make_postern()
        self.variant = variant
        self.program = program_of(build)
        self.deaths = 0  # of children, since the start
        self.signals: list[int] = []  # of which they died, in this run
        self.must_restart = False

    def close(self) -> None:
        self.stop()
        self.scene.sink.stop()
        shutil.rmtree(self.postern.folder)

    # Life

    def stop(self) -> None:
        if self.postern.master is not None:
            self.postern.master.kill_group()
            self.postern.master = None

    def start(self) -> None:
        self.stop()
        self.must_restart = False
        self.forget_logs()
        self.postern.start(verbose=False)

    def forget_logs(self) -> None:
        self.read_deaths()
        self.deaths = 0
        for path in (self.postern.log, self.log_of_start):
            if os.path.exists(path):
                os.unlink(path)

    @property
    def log_of_start(self) -> str:
        return os.path.join(self.postern.folder, "postern.out")

    def start_tampered(self, point: Point) -> None:
        """Under tamper from its first call on, behind the opening of its configuration."""
        self.stop()
        self.forget_logs()
        self.postern.write_configuration()
        command = [self.program, *point.arguments(), "postern.conf", "--",
                   self.postern.daemon, "-c", self.postern.conf, "-f"]
        self.postern.runs_before = 0
        self.postern.master = Process("posternd", command, self.log_of_start,
                                      self.postern.environment())

    def pids(self, role: str) -> list[int]:
        """Of a role's processes; waits for them."""
        found = wait_until(lambda: self.find(role), 10, f"a {role}", pause=PAUSE / 4)
        assert isinstance(found, list)
        return found

    def find(self, role: str) -> list[int]:
        children = children_of(self.postern.pid)
        if role == WORKER:
            return [pid for pid in children if status_number(pid, "Threads") > 4]
        if role == SCRIBE:
            return [pid for pid in children if 1 < status_number(pid, "Threads") <= 4]
        nurseries = [pid for pid in children if executable(pid) == self.postern.dissect_path]
        if role == NURSERY:
            return nurseries
        return [infant for pid in nurseries for infant in children_of(pid)]

    # One point

    def run(self, role: str, point: Point) -> Outcome:
        outcome = Outcome(role, self.variant, point)
        self.signals = []
        try:
            run = self.run_master if role == MASTER else self.run_child
            book, result, seen = run(role, point)
        except (AssertionError, OSError, RuntimeError) as error:
            outcome.stuck, outcome.said, outcome.has_fired = 1, repr(error)[:500], True
            self.begin_anew()
            return outcome
        if point.what == NOTHING:
            self.plant_faults(book)
        outcome.has_fired, outcome.calls = seen.has_fired, seen.calls
        self.judge(book, result, seen, outcome)
        if outcome.said:
            self.begin_anew()
        return outcome

    def plant_faults(self, book: Book) -> None:
        """A message that the sink did not get, or got twice, would be seen."""
        messages, spool = self.scene.sink.taken(), self.postern.spool
        assert book.check(messages[1:], spool).lost, "a message withheld is not missed"
        assert book.check(messages + messages[:1], spool).twice, "a second copy is not seen"

    def begin_anew(self) -> None:
        """What went wrong here is left to look at, and not found again at the next point."""
        self.stop()
        folder = self.postern.folder
        os.rename(folder, f"{folder}-{self.scene.run}")
        self.postern = self.scene.make_postern()

    def run_child(self, role: str, point: Point) -> tuple[Book, Result, Seen]:
        if self.postern.master is None or self.must_restart or self.deaths >= DEATHS_MAX:
            self.start()
            for other in (WORKER, DISSECTOR, SCRIBE):
                self.pids(other)
        pids = self.pids(role)
        if role == NURSERY:
            infants = self.pids(DISSECTOR)
        tamper = Tamper(self.program, point, pids)
        try:
            if role == NURSERY:  # it has to make new ones
                for pid in infants:
                    os.kill(pid, signal.SIGKILL)
            book, threads = self.scene.begin()
            result = self.settle(book, threads)
            if role == SCRIBE:
                time.sleep(SCRIBE_LAG)
        finally:
            seen = tamper.stop()
        self.pids(role)
        return book, result, seen

    def run_master(self, _role: str, point: Point) -> tuple[Book, Result, Seen]:
        """It starts, replaces a worker that dies, reloads, and stops."""
        self.start_tampered(point)
        self.wait(self.greets, "a greeting")
        book, threads = self.scene.begin()
        self.kill_worker()
        self.wait(lambda: not any(thread.is_alive() for thread in threads), "clients")
        self.signal(signal.SIGHUP)
        try:
            self.wait(lambda: self.postern.log_lines(RELOADED), "a reload", RELOAD_MAX)
        except Timeout:
            pass  # killed, or it was still about to replace the worker
        self.settle(book, threads)
        self.signal(signal.SIGTERM)
        assert self.postern.master is not None
        try:
            self.postern.master.wait(10)
        except Timeout:
            pass  # told to stop before it could hear it; a service manager kills it then
        seen = Seen().read(self.postern.output())
        self.start()
        result = self.settle(book, threads)
        self.must_restart = True
        return book, result, seen

    def daemon(self) -> int:
        """Below tamper, or where it had to be started again, itself."""
        pids = [self.postern.pid, *children_of(self.postern.pid)]
        return next((pid for pid in pids if executable(pid) == self.postern.daemon), 0)

    def kill_worker(self) -> None:
        for pid in children_of(self.daemon()):
            if status_number(pid, "Threads") > 4:
                os.kill(pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        daemon = self.daemon()
        if daemon != 0:
            os.kill(daemon, number)

    def greets(self) -> bool:
        try:
            with Client(self.scene.port, self.variant.is_lmtp, timeout=1):
                return True
        except (OSError, Refused, ValueError):
            return False

    def wait(self, question: Callable[[], object], what: str,
             seconds: float = 2 * PATIENCE) -> None:
        """As a service manager, starts again what has ended."""
        def ask() -> object:
            self.keep_up()
            return question()
        wait_until(ask, seconds, what)

    def keep_up(self) -> None:
        master = self.postern.master
        if master is not None and not master.is_running():
            told = self.postern.output()
            self.start()
            with open(self.log_of_start, "a", encoding="utf-8") as file:
                file.write(told)

    # What came of it

    def settle(self, book: Book, threads: list[threading.Thread]) -> Result:
        """Until all is at rest, or long enough."""
        result: Optional[Result] = None
        end = time.monotonic() + 2 * PATIENCE
        nudge = time.monotonic() + NUDGE
        while time.monotonic() < end:
            self.keep_up()
            if not any(thread.is_alive() for thread in threads):
                result = book.check(self.scene.sink.taken(), self.postern.spool)
                result.orphans = sorted(set(result.orphans + self.leftovers()))
                if not result.lost and not result.orphans:
                    return result
                if time.monotonic() > nudge:
                    self.nudge(result)
                    nudge += NUDGE
            time.sleep(PAUSE)
        assert result is not None, "clients do not end"
        return result

    def nudge(self, result: Result) -> None:
        """What the disk refused is tried again after a minute, whatever `retry` says, or when
        it is told to be. A message that is over, and could not be removed, is removed by whoever
        adopts it.
        """
        if result.lost or spoolfile.live(self.postern.spool):
            self.postern.tool("retry", "all", check=False)
        else:
            self.start()

    def leftovers(self) -> list[str]:
        """Files below active/ that are no slots: nothing waits there for anybody."""
        active = os.path.join(self.postern.spool, "active")
        return [os.path.join(path, name) for path, _, names in os.walk(active) for name in names
                if not name.startswith("slot-")]

    def read_deaths(self) -> None:
        """What the log tells more than it did."""
        new = [int(number) for number in DIED.findall(self.postern.log_text())][self.deaths:]
        self.signals += new
        self.deaths += len(new)

    def judge(self, book: Book, result: Result, seen: Seen, outcome: Outcome) -> None:
        self.read_deaths()
        outcome.aborted = sum(number != signal.SIGKILL for number in self.signals)
        is_unheard = outcome.point.is_unheard()
        rule = Rule(seen.journaled, outcome.role == MASTER or outcome.role == WORKER and
                    (bool(self.signals) or is_unheard), is_unheard)
        bad = [one for one in result.twice if not rule.allows(one)]
        outcome.twice_allowed = len(result.twice) - len(bad)
        result.twice = bad
        outcome.lost, outcome.twice = len(result.lost), len(bad)
        outcome.orphans, outcome.torn = len(result.orphans), len(result.torn)
        outcome.stuck = len(self.scene.stuck)
        if not result.is_good() or result.astray or self.scene.stuck:
            told = f"{result.text()}; stuck {self.scene.stuck}; signals {self.signals}; {rule}"
            outcome.said = told.replace(self.postern.spool + "/", "")


@dataclass
class Rule:
    """Which second copies are allowed."""
    journaled: set[str]  # queue ids of copies of which `sent` was written
    may_repeat: bool     # a process died, or did not hear what became of what it had sent
    is_unheard: bool

    def allows(self, twice: Twice) -> bool:
        """Each of our ids once more than its client had to come again; the same id again only where
        `sent` had not been written for the copy before.
        """
        idents = {copy.ident for copy in twice.copies}
        came_again = twice.offer.is_doubtful or self.is_unheard
        if len(idents) > (twice.offer.tries if came_again else 1):
            return False
        for ident in idents:
            *former, _last = sorted((copy for copy in twice.copies if copy.ident == ident),
                                    key=lambda copy: copy.at)
            if former and not self.may_repeat or len(former) > 1 or \
                    any(copy.queue_id in self.journaled or copy.at == 0 for copy in former):
                return False
        return True


def executable(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""
