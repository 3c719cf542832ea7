# SPDX-License-Identifier: BSD-2-Clause
"""Ways in which a neighbour may misbehave once it has a question: each is left by closing."""

import os
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Callable

PATIENCE = 30.0  # seconds after which a liar gives up on a peer that does not close
MEGABYTES = 8 << 20


@dataclass
class Cue:
    """What would be true now, so that a lie can begin with it."""
    answer: bytes            # a good answer to what was asked
    rest: bytes = b""        # the good answers to what will be asked
    yes: bytes = b"250 Ok\r\n"
    more: bytes = b"250-more\r\n"  # of an answer that has no end


Lie = Callable[[socket.socket, Cue], None]


def is_left(peer: socket.socket, seconds: float) -> bool:
    """Waits so long for the peer to go, whatever was not read of what he said."""
    poll = select.poll()
    poll.register(peer, select.POLLRDHUP)
    end = time.monotonic() + seconds
    while not poll.poll(min(200.0, seconds * 1000)):
        if not is_held(peer):
            return True
        if time.monotonic() > end:
            return False
    return True


def is_held(peer: socket.socket) -> bool:
    """Whether the peer has not closed its end. Behind much that is not read no FIN is seen."""
    if peer.family != socket.AF_INET:
        return True
    ends = [f":{name[1]:04X}" for name in (peer.getpeername(), peer.getsockname())]
    with open("/proc/net/tcp", encoding="ascii") as file:
        for words in map(str.split, file):
            if words[1].endswith(ends[0]) and words[2].endswith(ends[1]):
                return words[3] == "01"
    return False


def stay(peer: socket.socket) -> None:
    is_left(peer, PATIENCE)


def hang(peer: socket.socket, _cue: Cue) -> None:
    """Reads, says nothing."""
    peer.settimeout(PATIENCE)
    while peer.recv(65536):
        pass


def never_read(peer: socket.socket, cue: Cue) -> None:
    """Says what is good, so that more is sent, and takes none of it."""
    peer.sendall(cue.answer)
    stay(peer)


def reset(peer: socket.socket, _cue: Cue) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(_peer: socket.socket, _cue: Cue) -> None:
    """It is closed behind every lie."""


def one_byte_a_second(peer: socket.socket, cue: Cue) -> None:
    for at in range(len(cue.answer)):
        peer.sendall(cue.answer[at:at + 1])
        if is_left(peer, 1):
            return
    stay(peer)


def garbage(peer: socket.socket, _cue: Cue) -> None:
    peer.sendall(b"\r\n".join(os.urandom(200) for _ in range(10)) + b"\r\n")
    stay(peer)


def yes(peer: socket.socket, cue: Cue) -> None:
    """To everything, understood or not."""
    peer.settimeout(PATIENCE)
    peer.sendall(cue.yes)
    while lines := peer.recv(65536).count(b"\n"):
        peer.sendall(cue.yes * lines)


def bare(peer: socket.socket, cue: Cue) -> None:
    peer.sendall(cue.answer[:3] + b"\r\n")
    stay(peer)


def eager(peer: socket.socket, cue: Cue) -> None:
    """Answers what was not asked yet."""
    peer.sendall(cue.answer + cue.rest)
    stay(peer)


def endless(peer: socket.socket, cue: Cue) -> None:
    while True:
        peer.sendall(cue.more * 1000)


def endless_slowly(peer: socket.socket, cue: Cue) -> None:
    while not is_left(peer, 0.2):
        peer.sendall(cue.more)


def long_line(peer: socket.socket, cue: Cue) -> None:
    peer.sendall(cue.answer[:4] + b"x" * MEGABYTES)
    stay(peer)


def half(peer: socket.socket, cue: Cue) -> None:
    peer.sendall(cue.answer[:max(1, len(cue.answer) // 2)])
    time.sleep(0.05)
    reset(peer, cue)


LIES: dict[str, Lie] = {
    "hangs": hang, "resets": reset, "closes": close, "a byte a second": one_byte_a_second,
    "garbage": garbage, "yes to all": yes, "bare status": bare, "too early": eager,
    "endless": endless, "endless, slowly": endless_slowly, "megabytes of a line": long_line,
    "never reads": never_read, "half": half}
