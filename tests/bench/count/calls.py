# SPDX-License-Identifier: BSD-2-Clause
"""System calls of a process, from outside: how many of each, and of what they are about."""

import os
import re
import signal
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from typing import Iterable

from lab.process import wait_until

# A line of strace -f -yy: thread, call, and what its first argument is, if it is a descriptor.
CALL = re.compile(r"^\d+ +(\w+)\((?:\d+<(TCP[^\]]*\]|UNIX[^\]]*\]|[^>]*)>)?")

# What a call is about, and its name.
Call = tuple[str, str]
Calls = dict[Call, float]


@dataclass
class Places:
    """What descriptors are, by what strace calls them."""
    port_in: int
    port_out: int
    spool: str
    log: str

    def of(self, call: str, target: str) -> str:
        if target.startswith("TCP"):
            return "client" if f":{self.port_in}->" in target else "next hop"
        if target.startswith("UNIX"):
            return "other process"
        if "eventfd" in target or call == "futex":
            return "threads"
        if "eventpoll" in target:
            return "loop"
        if target == os.path.join(self.spool, "remembered"):
            return "remembered"
        if target.startswith(self.spool):
            return "message file"
        if "ledger" in target:
            return "ledger"
        return "log" if target == self.log else "other"


class Tracer:
    """strace beside one process and all its threads."""

    def __init__(self, pid: int, path: str):
        self.pid = pid
        self.path = path
        with open(path + ".said", "wb") as said:
            self.child = subprocess.Popen(["strace", "-f", "-yy", "-s", "0", "-o", path, "-p",
                                           str(pid)], stdin=subprocess.DEVNULL, stdout=said,
                                          stderr=said)

    def wait_attached(self) -> None:
        wait_until(self._is_attached, 20, f"strace is attached to {self.pid}", pause=0.005)

    def _is_attached(self) -> bool:
        """To each thread: it says so of the first ones in one line."""
        with open(self.path + ".said", encoding="utf-8", errors="replace") as said:
            text = said.read()
        if self.child.poll() is not None:
            raise RuntimeError(f"strace ended: {text}")
        return "attached" in text

    def end(self, places: Places, count: int) -> Calls:
        """The calls of each of `count` messages."""
        self.child.send_signal(signal.SIGINT)
        self.child.wait(20)
        return read(self.path, places, count)


def read(path: str, places: Places, count: int) -> Calls:
    """Where one was interrupted by another thread's, its beginning is counted."""
    found: Calls = defaultdict(float)
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = CALL.match(line)
            if call is not None:
                found[places.of(call[1], call[2] or ""), call[1]] += 1 / count
    return found


def sum_of(several: Iterable[Calls]) -> Calls:
    result: Calls = defaultdict(float)
    for one in several:
        for call, count in one.items():
            result[call] += count
    return result


def by_place(found: Calls) -> dict[str, float]:
    result: dict[str, float] = defaultdict(float)
    for (place, _), count in found.items():
        result[place] += count
    return result
