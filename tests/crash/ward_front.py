# SPDX-License-Identifier: BSD-2-Clause
"""Clients at the front door misbehave: they are got rid of in time, nothing that they did not
finish goes on, and others are served meanwhile.
"""

import concurrent.futures
import contextlib
import os
import socket
import time
from typing import Callable

from case import Settings, message
from lab.client import Client
from lies import is_left, reset
from liar import Neighbour
from ward import SENDER, SLACK, Cell, Ward

SESSION = 3.0  # max_session: nobody stays longer
THROUGH = 20.0  # a client who waits for that has failed
CLIENTS = 5
CROWD = 1000

Behaviour = Callable[["Front"], None]


class Front:
    """One connection to a listener."""

    def __init__(self, port: int, is_lmtp: bool, path: str):
        self.client = Client(port, is_lmtp, timeout=THROUGH, greet=False)
        self.socket = self.client.socket
        self.path = path  # whom it writes to

    def to_data(self) -> None:
        self.client.greet()
        self.client.envelope(SENDER, [self.path])
        self.client.expect(3, "DATA")

    def wait_end(self) -> None:
        """Until the server closes, whatever it says before that."""
        while self.socket.recv(65536):
            pass


def silent(front: Front) -> None:
    front.wait_end()


def byte_a_second(front: Front) -> None:
    front.client.greet()
    for byte in b"MAIL FROM:<ann@example.org>\r\n":
        front.socket.sendall(bytes([byte]))
        if is_left(front.socket, 1):
            return
    front.wait_end()


def content_byte_a_second(front: Front) -> None:
    front.to_data()
    for byte in message("slow"):
        front.socket.sendall(bytes([byte]))
        if is_left(front.socket, 1):
            return
    front.wait_end()


def never_reads(front: Front) -> None:
    """So much is asked that the answers cannot all be on their way."""
    front.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    front.socket.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        for _ in range(200):
            front.socket.sendall(b"NOOP\r\n" * 10000)
    if not is_left(front.socket, THROUGH):
        raise TimeoutError


def slow_reader(front: Front) -> None:
    """A byte of an answer now and then."""
    front.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    front.socket.sendall(b"EHLO slow.example\r\n" * 3)
    while not is_left(front.socket, 0.2):
        front.socket.recv(1)


def resets_at(step: str) -> Behaviour:
    def behave(front: Front) -> None:
        if step == "greeting":
            front.client.read()
        elif step == "RCPT":
            front.client.greet()
            front.client.envelope(SENDER, [front.path])
        else:
            front.to_data()
            front.socket.sendall(message("reset") * (1 if step == "DATA" else 1000))
        reset(front.socket, None)
        front.client.close()
    return behave


def garbage(front: Front) -> None:
    front.socket.sendall(os.urandom(5000) + b"\r\n")
    front.wait_end()


def garbage_lines(front: Front) -> None:
    front.client.greet()
    front.socket.sendall(b"".join(os.urandom(40) + b"\r\n" for _ in range(100)))
    front.wait_end()


def line_without_end(front: Front) -> None:
    front.client.greet()
    while True:
        front.socket.sendall(b"x" * 65536)


def half_close(front: Front) -> None:
    """In the midst of content."""
    front.to_data()
    front.socket.sendall(message("half"))
    front.socket.shutdown(socket.SHUT_WR)
    front.wait_end()


def before_greeting(front: Front) -> None:
    front.socket.sendall(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<" + front.path.encode() +
                         b">\r\nDATA\r\n")
    front.wait_end()


def content_without_end(front: Front) -> None:
    """Beyond max_size, and on."""
    front.to_data()
    while True:
        front.socket.sendall(b"0123456789abcd\r\n" * 4096)
        time.sleep(0.005)


def comes_and_goes(front: Front) -> None:
    for _ in range(50):
        Client(front.socket.getpeername()[1], greet=False).close()


BEHAVIOURS: dict[str, Behaviour] = {
    "silent": silent, "a byte a second": byte_a_second,
    "content a byte a second": content_byte_a_second, "never reads": never_reads,
    "slow reader": slow_reader, "garbage": garbage, "lines of garbage": garbage_lines,
    "a line without end": line_without_end, "half-close": half_close,
    "before the greeting": before_greeting, "content without end": content_without_end,
    "comes and goes": comes_and_goes,
    **{f"resets at {step}": resets_at(step) for step in ("greeting", "RCPT", "DATA", "content")}}


class FrontWard(Ward):
    """door "spool" is misused, the others serve meanwhile."""
    name = "Postfix as client, SMTP"
    speaks = "smtp"

    def make_liar(self) -> Neighbour:
        return Neighbour()

    def listeners(self, aside: str = "") -> dict[str, str]:
        listeners = super().listeners(aside)
        address = f"inet:127.0.0.1:{self.ports['misused']}"
        listeners[address] = f"timeout = 1s  protocol = {self.speaks}"
        return listeners

    doors = ("spool", "relay", "aside", "misused")

    def settings(self) -> Settings:
        settings = self.beside()
        settings.lines |= {"max_session": f"{SESSION:g}s", "max_size": '"10M"',
                           "max_connections": str(CROWD)}
        return settings

    def cells(self) -> list[Cell]:
        return [*(self.cell(name, behave) for name, behave in BEHAVIOURS.items()),
                Cell("a thousand who are silent", self.crowd, may_pass=True)]

    def cell(self, name: str, behave: Behaviour) -> Cell:
        def start() -> None:
            self.pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
            self.work = [self.pool.submit(self.behave, behave) for _ in range(CLIENTS)]
        return Cell(name, start, may_pass=True)

    def behave(self, behave: Behaviour) -> None:
        self.number += 1
        began = time.monotonic()
        try:
            front = Front(self.ports["misused"], self.speaks == "lmtp",
                          f"unfinished{self.number}@example.com")
            with front.client:
                behave(front)
        except OSError:
            pass  # thrown out, or waited in vain: the time tells
        self.liar.lives.append(time.monotonic() - began - SESSION)

    def crowd(self) -> None:
        """All connections there may be are taken; they end by themselves."""
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.work = [self.pool.submit(self.stand)]

    def stand(self) -> None:
        with contextlib.ExitStack() as stack:
            began = time.monotonic()
            crowd = []
            for _ in range(CROWD):
                one = socket.create_connection(("127.0.0.1", self.ports["misused"]), THROUGH)
                crowd.append(stack.enter_context(one))
            for one in crowd:
                with contextlib.suppress(OSError):
                    while one.recv(4096):
                        pass
            self.liar.lives.append(time.monotonic() - began - SESSION)

    def after(self, cell: Cell) -> None:
        if concurrent.futures.wait(self.work, THROUGH + SLACK).not_done:
            self.result.late.append(f"{cell.name}: a client is not got rid of")
        self.pool.shutdown(wait=False)
        unfinished = [path for path in self.arrived() if path.startswith("unfinished")]
        if unfinished:
            self.result.believed.append(f"{cell.name}: {unfinished}")


class FrontLmtp(FrontWard):
    name = "Postfix as client, LMTP"
    speaks = "lmtp"
