# SPDX-License-Identifier: BSD-2-Clause
"""Mail of every kind from several clients, entered into the book; and the sink that takes it."""

import collections
import random
import threading
import time

from account import Book
from case import message
from lab.client import Address, Client, Refused
from lab.sink import Sink

THREADS = 6
TIMEOUT = 20.0
SIZES = (0, 0, 0, 3000, 30_000, 62_000, 100_000, 300_000)

# What becomes of whom, by the first letter.
RULES = {"keep": 'to = "q*@*"  action = quarantine  reason = "kept"',
         "stop": 'to = "h*@*"  action = hold  reason = "held"',
         "refuse": 'to = "r*@*"  action = reject  reason = "not here"'}
FATES = {"s": "sent", "d": "sent", "q": "quarantine", "h": "hold", "b": "bounce", "r": "bounce"}
# One message each; over relay nothing that is refused.
MIXES = ("s", "s", "s", "s", "d", "q", "h", "b", "r", "sss", "sqb", "sdhr")
RELAYED = ("s", "s", "s", "q", "h")


class Mailbox(Sink):
    """Refuses b*, and takes d* at the second try."""

    def __init__(self) -> None:
        super().__init__()
        self.deferred: set[bytes] = set()
        self.script.rcpt = self._rcpt

    def _rcpt(self, path: bytes) -> str:
        if path.startswith(b"b"):
            return "550 5.1.1 nobody here"
        if path.startswith(b"d") and path not in self.deferred:
            self.deferred.add(path)
            return "451 4.3.0 come again"
        return "250 2.1.5 Ok"


class Flow:
    """Until it is told to end; nothing is sent a second time.

    addresses: of a listener with hand-off spool, of one with relay. first: numbers begin there.
    """

    def __init__(self, addresses: tuple[Address, Address], book: Book, seed: int, first: int = 0,
                 pause: float = 0.0):
        self.addresses = addresses
        self.book = book
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.number = first
        self.pause = pause  # in front of each message
        self.is_over = False
        self.acknowledged = 0
        self.refused: collections.Counter[str] = collections.Counter()  # "452 4.3.1"
        self.broken = 0        # connections lost or refused
        self.longest = 0.0     # seconds until an answer
        self.odd: list[str] = []  # what no client may hear
        self.threads = [threading.Thread(target=self._work, args=(number == 0,), daemon=True)
                        for number in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.is_over = True
        for thread in self.threads:
            thread.join(TIMEOUT + 10)
        assert not any(thread.is_alive() for thread in self.threads), "a client hangs"

    def _next(self, is_relay: bool) -> tuple[list[str], bytes]:
        with self.lock:
            self.number += 1
            mix = self.random.choice(RELAYED if is_relay else MIXES)
            paths = [f"{letter}{self.number}-{at}@example.com" for at, letter in enumerate(mix)]
            return paths, message(f"number {self.number}", self.random.choice(SIZES))

    def _work(self, is_relay: bool) -> None:
        while not self.is_over:
            try:
                self._connect(is_relay)
            except TimeoutError:
                self.odd.append(f"no answer within {TIMEOUT:.0f} s")
            except Refused as refused:
                self._count(str(refused))
            except (OSError, ValueError):
                self.broken += 1
            time.sleep(0.02)

    def _connect(self, is_relay: bool) -> None:
        since = time.monotonic()
        with Client(self.addresses[is_relay], timeout=TIMEOUT) as client:
            self._took(since)
            while not self.is_over:
                time.sleep(self.pause)
                since = time.monotonic()
                self._one(client, *self._next(is_relay))
                self._took(since)

    def _took(self, since: float) -> None:
        self.longest = max(self.longest, time.monotonic() - since)

    def _one(self, client: Client, paths: list[str], content: bytes) -> None:
        for path in paths:
            self.book.offer(path, content, FATES[path[0]])
        for reply in client.envelope("ann@example.org", paths):
            if reply.code // 100 != 2:
                raise Refused(str(reply))
        try:
            reply, = client.data(content)
        except OSError:
            for path in paths:
                self.book.doubt(path)
            raise
        if reply.code // 100 != 2:
            raise Refused(str(reply))
        with self.lock:
            self.acknowledged += 1
        for path in paths:
            self.book.acknowledge(path, str(reply))

    def _count(self, said: str) -> None:
        """A reply, or what the client made of one that it did not expect."""
        reply = said.rpartition(" was answered ")[2]
        with self.lock:
            self.refused[" ".join(reply.split()[:2])] += 1
        if reply[0] not in "24":
            self.odd.append(reply)
