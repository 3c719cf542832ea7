# SPDX-License-Identifier: BSD-2-Clause
"""A next hop that speaks SMTP or LMTP well up to a step, and lies about that one."""

import socket
from dataclasses import dataclass, field
from typing import Optional

from lies import Cue

STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot")
MODERN = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING")
PIPELINED = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN")
OLD = ("8BITMIME", "SMTPUTF8", "DSN")


class Reader:
    def __init__(self, peer: socket.socket):
        self.peer = peer
        self.held = b""

    def more(self) -> None:
        data = self.peer.recv(65536)
        if not data:
            raise ConnectionError("the client went")
        self.held += data

    def line(self) -> bytes:
        while b"\r\n" not in self.held:
            self.more()
        line, _, self.held = self.held.partition(b"\r\n")
        return line

    def exactly(self, size: int) -> None:
        while len(self.held) < size:
            self.more()
        self.held = self.held[size:]

    def text(self) -> None:
        """The content behind a 354."""
        self.held = b"\r\n" + self.held
        while b"\r\n.\r\n" not in self.held:
            self.held = self.held[-4:] if len(self.held) > 1 << 20 else self.held
            self.more()
        self.held = self.held.partition(b"\r\n.\r\n")[2]


@dataclass
class Hop:
    """Callable as a Prelude: serves until `step`."""
    step: str
    keywords: tuple[str, ...] = MODERN
    taken: set[str] = field(default_factory=set)  # recipients of whom it said 250 to the end

    def greeting_of_ehlo(self) -> bytes:
        names = ("liar.postern.test", *self.keywords)
        return b"".join(f"250{' ' if one is names[-1] else '-'}{one}\r\n".encode()
                        for one in names)

    def answer(self, step: str) -> bytes:
        return {"greeting": b"220 liar.postern.test ESMTP\r\n", "EHLO": self.greeting_of_ehlo(),
                "DATA": b"354 go ahead with it\r\n",
                "dot": b"250 2.0.0 Ok: queued as LIAR\r\n"}.get(step, b"250 2.1.0 all is well\r\n")

    def cue(self, step: str) -> Cue:
        rest = [one for one in STEPS[STEPS.index(step) + 1:]
                if one != "DATA" or "CHUNKING" not in self.keywords]
        return Cue(self.answer(step), b"".join(map(self.answer, rest)))

    def __call__(self, peer: socket.socket) -> Optional[Cue]:
        peer.settimeout(30)
        if self.step == "greeting":
            return self.cue("greeting")
        peer.sendall(self.answer("greeting"))
        reader = Reader(peer)
        paths: list[str] = []
        while True:
            line = reader.line()
            step = self.step_of(line, reader)
            if step == "RCPT":
                paths.append(line.split(b"<")[1].split(b">")[0].decode())
            if step == self.step:
                return self.cue(step)
            peer.sendall(self.answer(step))
            if step == "DATA":
                reader.text()
                step = "dot"
                if step == self.step:
                    return self.cue(step)
                peer.sendall(self.answer(step))
            if step == "dot":
                self.taken.update(paths)
                paths.clear()
            if step == "QUIT":
                return None

    @staticmethod
    def step_of(line: bytes, reader: Reader) -> str:
        verb, _, rest = line.partition(b" ")
        name = verb.decode("latin-1").upper()
        if name == "BDAT":
            words = rest.split()
            reader.exactly(int(words[0]))
            return "dot" if len(words) > 1 else "chunk"
        return {"LHLO": "EHLO"}.get(name, name)
