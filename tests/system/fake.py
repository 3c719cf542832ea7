# SPDX-License-Identifier: BSD-2-Clause
"""A clamd and an rspamd that answer as scripted: for what the real ones will not show."""

import re
import socket
import time
from typing import Callable, Optional

from case import Listener

Answer = Callable[[socket.socket], None]  # to one question; the connection is closed behind it


class Fake(Listener):
    """Every connection asks one question. `answer` may be changed at any time.

    is_eager: answers before it has read the question.
    """

    def __init__(self, read: Callable[[socket.socket], Optional[bytes]]):
        self.read = read
        self.answer: Answer = say(b"")
        self.is_eager = False
        self.questions = 0
        super().__init__(self._hear)
        # Of what it does not read, little may seem to be on its way.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

    def _hear(self, peer: socket.socket) -> None:
        if not self.is_eager and self.read(peer) is None:
            return
        self.questions += 1
        self.answer(peer)


def say(data: bytes) -> Answer:
    return lambda peer: peer.sendall(data)


def dribble(data: bytes, pause: float) -> Answer:
    """Byte by byte."""
    def answer(peer: socket.socket) -> None:
        for at in range(len(data)):
            peer.sendall(data[at:at + 1])
            time.sleep(pause)
    return answer


def keep_silent(seconds: float) -> Answer:
    return lambda peer: time.sleep(seconds)


def babble(peer: socket.socket) -> None:
    """Never ends."""
    while True:
        peer.sendall(b"x" * 65536)


# The two protocols, as far as they tell where a question ends.

def read_exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            raise ConnectionError("the question broke off")
        data += more
    return data


def read_stream(peer: socket.socket) -> bytes:
    """The content of an INSTREAM."""
    read_exactly(peer, len(b"zINSTREAM\0"))
    content = b""
    while True:
        size = int.from_bytes(read_exactly(peer, 4), "big")
        if size == 0:
            return content
        content += read_exactly(peer, size)


def read_http(peer: socket.socket) -> bytes:
    """The body of a request."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(peer, 1)
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)\r\n", head)
    return read_exactly(peer, int(found.group(1))) if found else b""


def http(body: bytes, status: str = "200 OK", more: int = 0) -> bytes:
    """A reply; it says that it is longer than it is by `more`."""
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body) + more}\r\n\r\n").encode() + body
