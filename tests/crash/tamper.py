# SPDX-License-Identifier: BSD-2-Clause
"""Which calls are tampered with, how, and the program tamper.c that does it."""

import errno
import os
import subprocess
from dataclasses import dataclass, field
from typing import Iterator, Sequence

KILL, SHORT, NOTHING = "kill", "short", "nothing"
SPACE = ("EIO", "ENOSPC", "EDQUOT")
FILES = ("EMFILE", "ENFILE", "ENOMEM")
# What else than a kill may befall a call.
TROUBLES: dict[str, tuple[str, ...]] = {
    "openat": (*SPACE, *FILES, "EINTR"),
    "write": (*SPACE, "EINTR", SHORT),
    "pwrite64": (*SPACE, "EINTR", SHORT),
    "read": ("EIO", "EINTR", SHORT),
    "pread64": ("EIO", "EINTR", SHORT),
    "preadv2": ("EIO", "EAGAIN", "EINTR"),
    "fsync": SPACE,
    "fdatasync": SPACE,
    "rename": SPACE,
    "renameat": SPACE,
    "renameat2": SPACE,
    "link": SPACE,
    "linkat": SPACE,
    "unlink": ("EIO",),
    "unlinkat": ("EIO",),
    "mkdir": SPACE,
    "mkdirat": SPACE,
    "ftruncate": ("EIO", "ENOSPC", "EINTR"),
    "fallocate": (*SPACE, "EINTR"),
    "lock": ("ENOLCK", "EINTR"),
    "utimensat": ("EIO",),
    "memfd_create": FILES,
    "socket": FILES,
    "socketpair": FILES,
    "connect": ("EAGAIN", "EINTR", "ENOMEM"),
    "accept4": (*FILES, "EAGAIN", "EINTR"),
    "sendto": ("EIO", "EAGAIN", "EINTR", "ENOMEM", SHORT),
    "sendmsg": ("EIO", "EAGAIN", "EINTR", "ENOMEM"),
    "recvfrom": ("EIO", "EAGAIN", "EINTR", "ENOMEM", SHORT),
    "recvmsg": ("EIO", "EAGAIN", "EINTR", "ENOMEM"),
    "mmap": ("ENOMEM",),
    "clone": ("EAGAIN", "ENOMEM"),
    "clone3": ("EAGAIN", "ENOMEM"),
    "wake": (),
}


@dataclass(frozen=True)
class Point:
    """The n-th call of a kind, and what befalls it. NOTHING: calls are only counted."""
    call: str = "all"
    when: int = 0
    what: str = NOTHING

    def is_unheard(self) -> bool:
        """A connection broke, perhaps in front of the reply to the end of data."""
        return self.call == "recvfrom" and self.what in ("EIO", "ENOMEM")

    def arguments(self) -> list[str]:
        action = str(getattr(errno, self.what)) if self.what.startswith("E") else self.what
        return [self.call, str(self.when), action]


@dataclass
class Seen:
    """What the program has told."""
    has_fired: bool = False
    journaled: set[str] = field(default_factory=set)  # queue ids in lines that were written
    calls: dict[str, int] = field(default_factory=dict)

    def read(self, text: str) -> "Seen":
        for line in text.splitlines():
            word, _, rest = line.partition(" ")
            if word == "fired":
                self.has_fired = True
            elif word == "wrote":
                self.journaled.add(rest)
            elif word == "calls":
                name, count = rest.split()
                self.calls[name] = self.calls.get(name, 0) + int(count)
        return self


class Tamper:
    """Tampers with running processes until stop()."""

    def __init__(self, program: str, point: Point, pids: Sequence[int]):
        self.program = subprocess.Popen(
            [program, *point.arguments(), "", *map(str, pids)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        assert self.program.stdout is not None
        first = self.program.stdout.readline()
        assert first == "ready\n", first

    def stop(self) -> Seen:
        self.program.terminate()
        return Seen().read(self.program.communicate()[0])


def program_of(build: str) -> str:
    return os.path.join(build, "tests", "crash", "tamper")


def points_of(calls: dict[str, int], is_in_turn: bool) -> Iterator[Point]:
    """All of a run that made so many calls of each kind: first the kills."""
    for call in TROUBLES:
        for when in range(1, calls.get(call, 0) + 1):
            yield Point(call, when, KILL)
    for call, troubles in TROUBLES.items():
        for when in range(1, calls.get(call, 0) + 1):
            some = [troubles[when % len(troubles)]] if is_in_turn and troubles else troubles
            yield from (Point(call, when, what) for what in some)
