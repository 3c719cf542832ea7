# SPDX-License-Identifier: BSD-2-Clause
"""A next hop that answers all it has been told so far with one write, so that its client reads as
often each time."""

import re
import socket
import threading

from lab import ports

GREETING = b"220 hop.postern.test ESMTP\r\n"
KEYWORDS = b"".join(b"250-" + word + b"\r\n" for word in (
    b"hop.postern.test", b"PIPELINING", b"SIZE", b"8BITMIME", b"SMTPUTF8", b"DSN", b"CHUNKING"))
HELLO = KEYWORDS + b"250 ENHANCEDSTATUSCODES\r\n"
REPLIES = {b"EHLO": HELLO, b"DATA": b"354 go ahead\r\n", b"QUIT": b"221 2.0.0 Bye\r\n"}
OK, QUEUED = b"250 2.0.0 Ok\r\n", b"250 2.0.0 Ok: queued as HOP\r\n"
CHUNK = re.compile(rb"BDAT (\d+)( LAST)?")


class Hop:
    def __init__(self) -> None:
        self.port = ports.take()
        self.listener = socket.create_server((ports.HOST, self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"inet:{ports.HOST}:{self.port}"

    def stop(self) -> None:
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=_talk, args=(peer,), daemon=True).start()


def _talk(peer: socket.socket) -> None:
    held, is_content = b"", False
    with peer:
        try:
            peer.sendall(GREETING)
            while True:
                more = peer.recv(1 << 20)
                if not more:
                    return
                held, is_content, replies = _answer(held + more, is_content)
                peer.sendall(replies)
        except OSError:
            return


def _answer(held: bytes, is_content: bool) -> tuple[bytes, bool, bytes]:
    """What is left of it, whether content comes next, and the replies to all before; none while a
    chunk is under way, as its end is near."""
    rest, replies = held, b""
    while True:
        end = rest.find(b"\r\n.\r\n" if is_content else b"\r\n")
        if end < 0:
            return rest, is_content, replies
        if is_content:
            rest, replies, is_content = rest[end + 5:], replies + QUEUED, False
            continue
        line = rest[:end]
        chunk = CHUNK.match(line)
        size = int(chunk[1]) if chunk else 0
        if len(rest) < end + 2 + size:
            return held, False, b""
        rest = rest[end + 2 + size:]
        is_content = line == b"DATA"
        replies += QUEUED if chunk and chunk[2] else REPLIES.get(line[:4], OK)
