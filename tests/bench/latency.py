# SPDX-License-Identifier: BSD-2-Clause
"""How long a client waits: from the end of its data to the 250, one message at a time and many."""

import os
import statistics
import subprocess
import time
from argparse import Namespace
from dataclasses import dataclass, field

import messages
import peers
from lab.client import stuffed
from report import Figure, Mark, Section
from stand import Park, Target, progress

COUNTS = {"4 KB": 400, "50 KB": 200, "1 MB": 40}  # of a round, over one connection
CONNECTIONS = 20
STALL_US = range(35_000, 60_001)  # a delayed ACK's 40 ms and what comes on top of it
DISK, PACE = "the disk alone", "the client alone"


@dataclass
class Waits:
    """Microseconds, a list a round."""
    rounds: list[list[int]] = field(default_factory=list)

    def at(self, share: float) -> Figure:
        return Figure([quantile(waits, share) for waits in self.rounds])

    def stalls(self) -> int:
        return sum(wait in STALL_US for waits in self.rounds for wait in waits)


def quantile(waits: list[int], share: float) -> float:
    return float(sorted(waits)[int(len(waits) * share)])


class Bench:
    def __init__(self, park: Park):
        self.park = park
        self.folder = park.subfolder("paced")
        os.makedirs(self.folder)
        self.files: dict[str, str] = {}
        for name, message in park.messages.items():
            self.files[name] = os.path.join(self.folder, f"wire-{message.size}")
            with open(self.files[name], "wb") as file:
                file.write(stuffed(message.content) + b".\r\n")
        postern = {name: park.postern(name, park.settings_for(handoff, looks))
                   for name, handoff, looks in (("spool", "spool", True),
                                                ("spool, not looking", "spool", False),
                                                ("relay", "relay", True),
                                                ("relay, not looking", "relay", False))}
        self.targets = {"direct": park.direct(), **postern, "Postfix": park.postfix()}
        amavis = peers.amavis(park, False)
        if amavis is not None:
            self.targets[amavis.name] = amavis

    def pace(self, port: int, size: str, connections: int, count: int) -> list[int]:
        program = os.path.join(self.park.build, "tests", "bench", "pace")
        done = subprocess.run([program, str(port), str(connections), str(count), "1",
                               self.files[size]], check=True, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=300)
        return [int(line) for line in done.stdout.split()]

    def send(self, target: Target, size: str, connections: int, count: int) -> list[int]:
        """Waits until all are at the sink: the next one is measured on a machine at rest."""
        before = self.park.sink.count()
        waits = self.pace(target.port, size, connections, count)
        end = time.monotonic() + 120
        while self.park.sink.count() < before + connections * count and time.monotonic() < end:
            time.sleep(0.01)
        self.park.settle(target)
        return waits

    def disk(self, size: int, count: int) -> list[int]:
        """Overwriting a file that has its blocks already, and fdatasync."""
        data = os.urandom(size)
        waits = []
        fd = os.open(os.path.join(self.folder, "disk"), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.write(fd, data)
        os.fsync(fd)
        for _ in range(count):
            begin = time.monotonic()
            os.pwrite(fd, data, 0)
            os.fdatasync(fd)
            waits.append(int((time.monotonic() - begin) * 1e6))
        os.close(fd)
        return waits

    # One after another

    def alone(self) -> Section:
        section = Section("latency-alone", "One connection, one message at a time: end of data to "
                          "250, µs", ("size", "way", "median", "p99", "35 to 60 ms"),
                          settings=self.park.settings)
        stalls = 0
        for size in messages.SIZES:
            progress(f"latency, {size}, one connection")
            waits = self.rounds_alone(size)
            for name, one in waits.items():
                section.add(size, name, one.at(0.5), one.at(0.99), one.stalls())
            stalls += sum(waits[name].stalls() for name in ("spool", "relay"))
            section.marks += [
                Mark(f"{size}: spool, of the disk's own overwrite and fdatasync",
                     waits["spool"].at(0.5).over(waits[DISK].at(0.5)), 2, "at most"),
                Mark(f"{size}: relay, of direct",
                     waits["relay"].at(0.5).over(waits["direct"].at(0.5)), 3, "at most")]
        section.marks.append(Mark("answers between 35 and 60 ms, spool and relay",
                                  Figure([stalls]), 0, "at most"))
        section.notes.append(
            f"`{PACE}` is the client asking a thread of its own that does nothing but answer: what "
            "it and the loopback have of each figure. Over relay the 250 is the sink's, with two "
            "round trips to it; Postfix answers when the message is in its queue, synced.")
        return section

    def rounds_alone(self, size: str) -> dict[str, Waits]:
        waits = {name: Waits() for name in (PACE, DISK, *self.targets)}
        count = COUNTS[size] // (10 if self.park.options.quick else 1)
        counts = {name: max(count // 8, 1) if target.name.startswith("amavis") else count
                  for name, target in self.targets.items()}  # it takes fifty times as long
        for name, target in self.targets.items():
            self.send(target, size, 1, counts[name] // 4 + 1)  # a warm-up
        for _ in range(self.park.options.rounds):
            waits[PACE].rounds.append(self.pace(0, size, 1, count))
            waits[DISK].rounds.append(self.disk(messages.SIZES[size], count))
            for name, target in self.targets.items():
                waits[name].rounds.append(self.send(target, size, 1, counts[name]))
        return waits

    # Side by side

    def crowd(self) -> Section:
        section = Section("latency-crowd", f"{CONNECTIONS} connections: end of data to 250, µs",
                          ("size", "way", "median", "p99", "p99, of median", "35 to 60 ms"),
                          settings=self.park.settings)
        stalls = 0
        for size in messages.SIZES:
            progress(f"latency, {size}, {CONNECTIONS} connections")
            for name in ("direct", "spool", "relay", "Postfix"):
                one = self.rounds_crowd(self.targets[name], size)
                spread = one.at(0.99).over(one.at(0.5))
                section.add(size, name, one.at(0.5), one.at(0.99), spread, one.stalls())
                if name in ("spool", "relay"):
                    section.marks.append(Mark(f"{size}, {CONNECTIONS} connections, {name}: p99, "
                                              "of the median", spread, 5, "at most"))
                    stalls += one.stalls() if statistics.median(
                        one.at(0.99).runs) < STALL_US.start else 0
        section.marks.append(Mark(f"{CONNECTIONS} connections: answers between 35 and 60 ms where "
                                  "99 % come sooner", Figure([stalls]), 0, "at most"))
        return section

    def rounds_crowd(self, target: Target, size: str) -> Waits:
        count = max(COUNTS[size] // (20 if self.park.options.quick else 8), 5)
        waits = Waits()
        self.send(target, size, CONNECTIONS, 5)  # a warm-up
        for _ in range(self.park.options.rounds):
            waits.rounds.append(self.send(target, size, CONNECTIONS, count))
        return waits


def run(options: Namespace) -> list[Section]:
    with Park(options) as park:
        bench = Bench(park)
        return [bench.alone(), bench.crowd()]
