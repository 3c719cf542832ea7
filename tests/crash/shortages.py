# SPDX-License-Identifier: BSD-2-Clause
"""The faults: what Postern runs out of, and how it comes back."""

import contextlib
import datetime
import os
import signal
import struct
import subprocess
import time
from typing import Optional

import disk
from groups import Group
from lab.daemon import Postern, is_alive
from lab.process import children_of, family_of, status_number, wait_until

MINUTE, HOUR, DAY = 60, 3600, 86400


class Fault:
    """prepare: before Postern starts. keep: again and again while it lasts."""
    seconds = 3.0

    def __init__(self, name: str):
        self.name = name
        self.popen: dict = {}  # for Postern's start
        self.restarts = False  # what ends it is a mount, for which Postern has to go

    def prepare(self, postern: Postern, folder: str) -> None:
        pass

    def begin(self, postern: Postern) -> None:
        pass

    def keep(self, postern: Postern) -> None:
        pass

    def end(self, postern: Postern) -> None:
        pass

    def close(self) -> None:
        """When Postern is gone."""


# --- disks ---

class FullDisk(Fault):
    """Whatever becomes free is taken at once. leave: bytes that stay free."""

    def __init__(self, name: str, leave: int, **spool: str):
        super().__init__(name)
        self.leave = leave
        self.spool = {"min_inodes": "0", **spool}
        self.filling: list[str] = []
        self.disk: Optional[disk.Memory] = None
        self.limits = "size=48M"

    def prepare(self, postern: Postern, folder: str) -> None:
        self.disk = disk.Memory(os.path.join(folder, "small"), self.limits)
        postern.spool = os.path.join(self.disk.folder, "spool")
        postern.settings.spool.update(self.spool)

    def begin(self, postern: Postern) -> None:
        assert self.disk is not None
        self.filling = [os.path.join(self.disk.folder, "filling")]
        self.keep(postern)

    def keep(self, postern: Postern) -> None:
        assert self.disk is not None
        space = os.statvfs(self.disk.folder)
        with contextlib.suppress(OSError), open(self.filling[0], "ab", buffering=0) as file:
            for _ in range((space.f_bavail * space.f_bsize - self.leave) // 4096):
                file.write(bytes(4096))

    def end(self, postern: Postern) -> None:
        for path in self.filling:
            os.unlink(path)

    def close(self) -> None:
        if self.disk is not None:
            self.disk.close()


class NoInodes(FullDisk):
    def __init__(self, name: str):
        super().__init__(name, 0, min_free='"0"')
        self.limits = "size=256M,nr_inodes=600"

    def keep(self, postern: Postern) -> None:
        assert self.disk is not None
        with contextlib.suppress(OSError):
            while True:
                path = os.path.join(self.disk.folder, f"filling-{len(self.filling)}")
                with open(path, "xb"):
                    self.filling.append(path)

    def begin(self, postern: Postern) -> None:
        self.filling = []
        self.keep(postern)


class ReadOnly(Fault):
    """The file system aborts, as after an error of the disk, and is mounted again."""

    def __init__(self, name: str):
        super().__init__(name)
        self.restarts = True
        self.disk: Optional[disk.Disk] = None

    def prepare(self, postern: Postern, folder: str) -> None:
        disk.need("ext4", folder)
        self.disk = disk.Disk("ext4", folder)
        postern.spool = os.path.join(self.disk.folder, "spool")

    def begin(self, postern: Postern) -> None:
        assert self.disk is not None
        with contextlib.suppress(subprocess.CalledProcessError):
            disk.run("mount", "-o", "remount,abort,errors=remount-ro", self.disk.folder)

    def end(self, postern: Postern) -> None:
        assert self.disk is not None
        self.disk.unmount()
        self.disk.mount()

    def close(self) -> None:
        if self.disk is not None:
            self.disk.close()


# --- limits of running processes ---

def nursery_of(postern: Postern) -> int:
    """The child that has children itself, or no second thread."""
    return next(pid for pid in children_of(postern.pid) if status_number(pid, "Threads") == 1)


def who(postern: Postern, role: str) -> list[int]:
    if role == "workers":
        return postern.workers()
    if role == "nursery":
        return [nursery_of(postern)]
    return [postern.scribe()] if role == "scribe" else [postern.pid]


def prlimit(pid: int, *options: str) -> str:
    """As the process's own user: root may lack the right to limit others."""
    owner = os.stat(f"/proc/{pid}")
    return subprocess.run(["prlimit", "--pid", str(pid), *options], user=owner.st_uid,
                          group=owner.st_gid, extra_groups=[], check=True, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL).stdout.strip()


class Limit(Fault):
    """One resource (nofile, as, nproc) of the processes of a role is limited to what they use."""

    def __init__(self, name: str, role: str, what: str, more: int = 0):
        super().__init__(name)
        self.role = role
        self.what = what
        self.more = more
        self.before: dict[int, str] = {}

    def used(self, pid: int) -> int:
        if self.what == "nofile":
            return max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1
        return status_number(pid, "VmSize") * 1024 if self.what == "as" else 0

    def begin(self, postern: Postern) -> None:
        self.before.clear()
        wait_until(lambda: who(postern, self.role), 10, self.role)
        for pid in who(postern, self.role):
            self.before[pid] = prlimit(pid, "--" + self.what, "--raw", "--noheadings", "-o", "SOFT")
            prlimit(pid, f"--{self.what}={self.used(pid) + self.more}:")

    def end(self, postern: Postern) -> None:
        for pid, limit in self.before.items():
            with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError):
                prlimit(pid, f"--{self.what}={limit}:")


class LimitParent(Limit):
    """And the children that it has to replace are killed: of the master, the workers."""

    def begin(self, postern: Postern) -> None:
        super().begin(postern)
        for parent in self.before:
            victims = postern.workers() if parent == postern.pid else children_of(parent)
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class GroupLimit(Fault):
    """All processes together."""
    controller = ""

    def __init__(self, name: str):
        super().__init__(name)
        self.group: Optional[Group] = None

    def prepare(self, postern: Postern, folder: str) -> None:
        self.group = Group(self.controller)
        self.popen = {"preexec_fn": self.group.enter()}

    def end(self, postern: Postern) -> None:
        assert self.group is not None
        self.group.unlimit()

    def close(self) -> None:
        if self.group is not None:
            self.group.close()


class NoProcesses(GroupLimit):
    controller = "pids"

    def begin(self, postern: Postern) -> None:
        assert self.group is not None
        self.group.limit(1)
        for pid in postern.workers():
            os.kill(pid, signal.SIGKILL)


class NoMemory(GroupLimit):
    """Less and less, until the kernel has had to kill."""
    controller = "memory"

    def begin(self, postern: Postern) -> None:
        family = family_of(postern.pid)
        wait_until(lambda: self._squeeze() or not all(map(is_alive, family)), 30, "a kill")

    def _squeeze(self) -> None:
        assert self.group is not None
        with contextlib.suppress(OSError):  # less than cannot be given up
            self.group.limit(self.group.used() - (1 << 20))


# --- the clock ---

class Clock(Fault):
    """Set while messages wait for their next try."""
    seconds = 1.0

    def __init__(self, name: str, ahead: int):
        super().__init__(name)
        self.ahead = ahead
        self.path = ""

    def prepare(self, postern: Postern, folder: str) -> None:
        self.path = os.path.join(folder, "clock")
        self.set(0)
        library = os.path.join(postern.build, "tests", "crash", "libcrash_clock.so")
        postern.extra_env.update({"LD_PRELOAD": library, "CRASH_CLOCK": self.path})

    def set(self, ahead: int) -> None:
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        os.pwrite(fd, struct.pack("=q", ahead), 0)
        os.close(fd)

    def begin(self, postern: Postern) -> None:
        self.set(self.ahead)
        wait_until(lambda: abs(last_said(postern) - time.time() - self.ahead) < 30, 10,
                   "a log line by the new clock")


def last_said(postern: Postern) -> float:
    with open(postern.log, "rb") as file:
        file.seek(max(0, os.path.getsize(postern.log) - 4000))
        lines = file.read().decode("utf-8", "replace").rstrip("\n").split("\n")
    return datetime.datetime.fromisoformat(lines[-1].split()[0]).timestamp()


def all_faults() -> list[Fault]:
    return [
        FullDisk("disk full", 0, min_free='"0"'),
        FullDisk("disk nearly full, below min_free", 8 << 20, min_free='"16M"'),
        NoInodes("no inodes"),
        ReadOnly("ext4 goes read-only; restarted"),
        Limit("no descriptors for workers", "workers", "nofile"),
        Limit("three descriptors for workers", "workers", "nofile", 3),
        Limit("no descriptors for the scribe", "scribe", "nofile"),
        LimitParent("no descriptors for the nursery", "nursery", "nofile"),
        LimitParent("no descriptors for the master, workers die", "master", "nofile"),
        Limit("no memory for workers (RLIMIT_AS)", "workers", "as"),
        Limit("no memory for the scribe (RLIMIT_AS)", "scribe", "as"),
        LimitParent("no memory for dissectors (RLIMIT_AS)", "nursery", "as"),
        NoMemory("no memory for all (control group)"),
        LimitParent("no processes for the nursery (RLIMIT_NPROC)", "nursery", "nproc"),
        NoProcesses("no processes for all (control group), workers die"),
        Clock("clock an hour ahead", HOUR),
        Clock("clock three days ahead", 3 * DAY),
        Clock("clock ten minutes back", -10 * MINUTE),
        Clock("clock three days back", -3 * DAY),
    ]
