# SPDX-License-Identifier: BSD-2-Clause
"""A next hop that answers all it has been told so far with one write, so that its client reads as
often each time."""

import re
import socket

from lab.listener import Listener

GREETING = b"220 hop.postern.test ESMTP\r\n"
KEYWORDS = b"".join(b"250-" + word + b"\r\n" for word in (
    b"hop.postern.test", b"PIPELINING", b"SIZE", b"8BITMIME", b"SMTPUTF8", b"DSN", b"CHUNKING"))
HELLO = KEYWORDS + b"250 ENHANCEDSTATUSCODES\r\n"
REPLIES = {b"EHLO": HELLO, b"DATA": b"354 go ahead\r\n", b"QUIT": b"221 2.0.0 Bye\r\n"}
OK, QUEUED = b"250 2.0.0 Ok\r\n", b"250 2.0.0 Ok: queued as HOP\r\n"
CHUNK = re.compile(rb"BDAT (\d+)( LAST)?")


class Hop(Listener):
    def __init__(self) -> None:
        super().__init__(_talk)


def _talk(peer: socket.socket) -> None:
    held, is_content = b"", False
    peer.sendall(GREETING)
    while more := peer.recv(1 << 20):
        held, is_content, replies = _answer(held + more, is_content)
        peer.sendall(replies)


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
