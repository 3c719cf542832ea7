# SPDX-License-Identifier: BSD-2-Clause
"""A Postern beside a neighbour that lies, and what it owes its clients meanwhile."""

import glob
import os
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

import spoolfile
from case import BUILD, Postern, Settings, Sink, Timeout, message, ports, send, wait_until
from lab.client import Refused
from lab.process import children_of
from liar import Neighbour

SLACK = 6.0  # seconds that a loaded machine may add to a deadline
DEADLINE = 1.0  # what the settings allow a neighbour
RELAY_DEADLINE = 4.0  # and a client who waits for the outcome
BACK_WITHIN = 20.0  # seconds after which mail is gone if all is well
LARGE = 6_000_000  # more than what the kernel keeps of what nobody reads
STOCK = 64  # slots and the like that a worker keeps open for mail to come
SENDER = "ann@example.org"


@dataclass
class Result:
    """Of one neighbour: what failed, by name."""
    walked: int = 0
    lost: list[str] = field(default_factory=list)
    believed: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    def troubles(self) -> list[str]:
        return [f"{what}: {one}" for what in ("lost", "believed", "late", "leaked")
                for one in getattr(self, what)]


@dataclass
class Cell:
    """One misbehaviour."""
    name: str
    start: Callable[[], None]
    size: int = 0  # of the messages that show it
    may_pass: bool = False  # mail that goes on meanwhile has not been misled


class Ward:
    """Doors: spool and relay lead by the neighbour, aside does not."""
    name = ""
    doors = ("spool", "relay", "aside")
    is_lmtp = False  # to the next hop
    keeps = 0  # connections to a neighbour that is well

    def __init__(self, folder: str):
        self.folder = os.path.join(folder, "".join(filter(str.isalnum, self.name)))
        os.makedirs(self.folder, mode=0o755)
        self.result = Result()
        self.sink = Sink(is_lmtp=self.is_lmtp).start()
        self.number = 0
        self.ports = {door: ports.take() for door in self.doors}
        self.liar = self.make_liar()
        self.postern = Postern(BUILD, os.path.join(self.folder, "postern"), self.settings())
        self.files: dict[int, list[str]] = {}
        self.recent: list[str] = []  # recipients of the last cell

    # What each kind of neighbour says for itself

    def make_liar(self) -> Neighbour:
        raise NotImplementedError

    def settings(self) -> Settings:
        raise NotImplementedError

    def cells(self) -> list[Cell]:
        raise NotImplementedError

    def elsewhere(self) -> set[str]:
        """Recipients whom the neighbour itself took over."""
        return set()

    def meanwhile(self, cell: Cell) -> None:
        """What else is looked at while it lies."""

    def after(self, cell: Cell) -> None:
        """What else is owed when it is well again."""

    # Life

    def listeners(self, aside: str = "") -> dict[str, str]:
        inside = {"spool": "", "relay": "handoff = relay", "aside": aside}
        return {f"inet:127.0.0.1:{self.ports[door]}": text for door, text in inside.items()}

    def beside(self, **sections: object) -> Settings:
        """A Postern whose only next hop is the sink, but for what is said otherwise."""
        wanted: dict[str, object] = {
            "listeners": self.listeners(), "hops": {self.sink.address: "idle = 300ms"},
            "lines": {"workers": "1", "relay_deadline": f"{RELAY_DEADLINE:g}s"},
            "spool": {"retry": '{"300ms"}'}, "dissect": {"enabled": "no"}, **sections}
        return Settings(**wanted)  # type: ignore[arg-type]

    def start(self) -> None:
        self.postern.start(verbose=False)
        sent = [self.send(door, size) for door in ("spool", "aside") for size in (0, LARGE)]
        self.settle(sent + [self.send_at_last("at first")], "at first")
        self.comes_true(lambda: self.liar.talks <= self.keeps, 5)
        self.files = self.open_files()

    def stop(self) -> None:
        self.postern.stop()
        self.liar.stop()
        self.sink.stop()

    # Mail

    def send(self, door: str, size: int = 0) -> str:
        """One message, which must be taken; its recipient."""
        path, code = self.offer(door, size)
        if code != 250:
            self.result.lost.append(f"{path} was not taken: {code}")
        return path

    def offer(self, door: str, size: int = 0) -> tuple[str, int]:
        """One message: its recipient, and what the client heard within the time that he has."""
        self.number += 1
        path = f"{door}{self.number}@example.com"
        began = time.monotonic()
        try:
            code = send(self.ports[door], SENDER, [path], message(path, size))[0].code
        except (OSError, Refused, ValueError):
            code = 0
        seconds = time.monotonic() - began
        if seconds > RELAY_DEADLINE + SLACK:
            self.result.late.append(f"the client of {path} waited {seconds:.1f} s")
        return path, code

    def send_at_last(self, when: str, size: int = 0) -> str:
        """Over relay, as Postfix does: until it is taken."""
        heard: list[tuple[str, int]] = []

        def is_taken() -> bool:
            heard.append(self.offer("relay", size))
            return heard[-1][1] == 250
        if not self.comes_true(is_taken, BACK_WITHIN):
            self.result.late.append(f"{when}: no relay any more: {heard[-1]}")
        return heard[-1][0]

    def arrived(self) -> set[str]:
        return {path.decode() for taken in self.sink.taken() for path in taken.recipients}

    def settle(self, recipients: list[str], when: str) -> None:
        """All of them arrive, and nothing is left."""
        def missing() -> list[str]:
            return sorted(set(recipients) - self.arrived() - self.elsewhere())

        def is_settled() -> bool:
            return not missing() and not spoolfile.live(self.postern.spool)
        if not self.comes_true(is_settled, BACK_WITHIN):
            self.result.lost.append(f"{when}: {missing() or 'something is left in the spool'}")

    @staticmethod
    def comes_true(question: Callable[[], object], seconds: float) -> bool:
        try:
            wait_until(question, seconds, "", pause=0.05)
        except Timeout:
            return False
        return True

    # Descriptors

    def open_files(self) -> dict[int, list[str]]:
        """What each child of the master has open, as the kernel names it but for numbers."""
        return {pid: targets(pid, self.postern.spool) for pid in children_of(self.postern.pid)}

    def check_files(self, when: str) -> None:
        """Once nobody talks any more: what is there was there when all began."""
        if not self.comes_true(lambda: self.liar.talks <= self.keeps, 10):
            self.result.late.append(f"{when}: {self.liar.talks} connections are kept")
        def more() -> dict[int, list[str]]:
            now = self.open_files()
            found = {pid: added(self.files.get(pid, []), names) for pid, names in now.items()}
            return {pid: names for pid, names in found.items() if names}
        if not self.comes_true(lambda: not more(), 10):
            found = more()
            self.result.leaked += [f"{when}: {pid} has {name}" for pid, names in found.items()
                                   for name in names]
            self.files = self.open_files()

    # The walk

    def visit(self, cell: Cell) -> None:
        before = len(self.result.troubles())
        self.liar.lives.clear()
        cell.start()
        kept = [self.send("spool", cell.size) for _ in range(2)]
        path, code = self.offer("relay", cell.size)
        aside = self.send("aside")
        if not self.comes_true(lambda: aside in self.arrived(), DEADLINE + SLACK):
            self.result.late.append(f"{cell.name}: {aside} had to wait")
        self.meanwhile(cell)
        if self.liar.is_awaited and not self.comes_true(
                lambda: self.liar.lives or self.liar.longest() > DEADLINE + SLACK, 20):
            self.result.late.append(f"{cell.name}: nobody came to be lied to")
        misled = ({*kept, path} & self.arrived()) - self.elsewhere()
        if misled and not cell.may_pass:
            self.result.believed.append(f"{cell.name}: {sorted(misled)}")
        self.liar.tell_truth()
        if code == 250:
            kept.append(path)
        kept.append(self.send_at_last(cell.name, cell.size))
        self.settle(kept, cell.name)
        self.recent = kept
        self.after(cell)
        if self.liar.longest() > DEADLINE + SLACK:
            self.result.late.append(f"{cell.name}: borne for {self.liar.longest():.1f} s")
        self.check_files(cell.name)
        self.result.walked += 1
        for trouble in self.result.troubles()[before:]:
            print(f"{self.name}: {trouble}", flush=True)

    def run(self, cells: list[Cell], until: Optional[float]) -> None:
        """until: of time.monotonic()"""
        try:
            self.start()
            for cell in cells:
                if until is not None and time.monotonic() > until:
                    break
                self.visit(cell)
        finally:
            self.stop()


def targets(pid: int, spool: str, most: int = STOCK) -> list[str]:
    """Kinds of sockets and the like; names of files, without the spool's stock: at most so many."""
    found, stock = [], 0
    for link in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            name = os.readlink(link).partition(":[")[0]
        except OSError:
            continue
        is_stock = name.startswith(spool) and (name.endswith(" (deleted)") or "/slot-" in name)
        stock += is_stock
        if not is_stock or stock > most:
            found.append(name)
    return sorted(found)


def added(before: list[str], now: list[str]) -> list[str]:
    left = list(before)
    more = []
    for name in now:
        if name in left:
            left.remove(name)
        else:
            more.append(name)
    return more
