# SPDX-License-Identifier: BSD-2-Clause
"""Child processes: started with a log file, looked at in /proc, stopped for certain."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Callable, Iterable, Mapping, Optional, Sequence

TICKS = os.sysconf("SC_CLK_TCK")


class Timeout(AssertionError):
    """What was waited for did not come."""


def wait_until(question: Callable[[], object], seconds: float, what: str,
               pause: float = 0.02) -> object:
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Timeout(f"not within {seconds:g} s: {what}")
        time.sleep(pause)


class Process:
    """One child in a process group of its own; its output goes to a file."""

    def __init__(self, name: str, command: Sequence[str], log: str,
                 env: Optional[Mapping[str, str]] = None, **popen):
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          env=None if env is None else dict(env),
                                          start_new_session=True, **popen)

    @property
    def pid(self) -> int:
        return self.child.pid

    def is_running(self) -> bool:
        return self.child.poll() is None

    def signal(self, number: int) -> None:
        if self.is_running():
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self.name} still runs after {seconds:g} s") from None

    def stop(self, seconds: float = 20) -> Optional[int]:
        """SIGTERM, then SIGKILL for whatever of the group is left."""
        code = None
        self.signal(signal.SIGTERM)
        try:
            code = self.wait(seconds)
        except Timeout:
            pass
        self.kill_group()
        return code

    def kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()


def children_of(pid: int) -> list[int]:
    """Direct children, first made first."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def family_of(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found = [pid]
    for child in children_of(pid):
        found += family_of(child)
    return found


def status_number(pid: int, key: str) -> int:
    """A figure of /proc/PID/status; memory in KB (VmHWM: the most that was ever resident)."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def pss_kb(pid: int) -> int:
    """Proportional share of memory, anonymous and shared."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


@dataclass
class Cpu:
    """Seconds of CPU of a process and of its children that have been waited for."""
    own: float
    waited: float


def cpu_of(pid: int) -> Cpu:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            words = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return Cpu(0.0, 0.0)
    user, system, child_user, child_system = (int(word) for word in words[11:15])
    return Cpu((user + system) / TICKS, (child_user + child_system) / TICKS)


def cpu_of_family(pids: Iterable[int]) -> float:
    return sum(cpu.own + cpu.waited for cpu in map(cpu_of, pids))


def count_fds(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
