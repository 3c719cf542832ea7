# SPDX-License-Identifier: BSD-2-Clause
"""One delivery and a batch beside it: all fates, all sizes, as Postfix would bring them."""

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Sequence

from account import Book
from case import Client, Message, Postern, Settings, Sink, message, ports
from lab.client import Refused, Reply, stuffed

PATIENCE = 15.0  # seconds until a message has to be acknowledged, or at rest
PAUSE = 0.02
RULES = {"keep": 'to = "keep*@*"  action = quarantine  reason = "kept"',
         "drop": 'to = "drop*@*"  action = discard'}


@dataclass(frozen=True)
class Variant:
    """handoff: spool, relay; protocol of the front door: smtp, lmtp."""
    handoff: str
    protocol: str

    @property
    def is_lmtp(self) -> bool:
        return self.protocol == "lmtp"

    def __str__(self) -> str:
        return f"{self.handoff}, {self.protocol.upper()}"


@dataclass
class Mail:
    """What is sent in one transaction."""
    fates: dict[str, str]  # name: fate
    size: int = 0


# Connections that are open side by side.
BATCH = ((Mail({"ok1": "sent"}),
          Mail({"ok2": "sent", "keep2": "quarantine", "drop2": "discard", "bad2": "bounce"})),
         (Mail({"ok3": "sent"}, size=100_000), Mail({"later3": "sent"})),
         (Mail({"keep4": "quarantine"}), Mail({"bad5": "bounce"})))


class Scene:
    """The sink, and a client for each connection. Addresses carry the number of the run."""

    def __init__(self, folder: str, build: str, variant: Variant):
        self.variant = variant
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # else it tells of each lost peer
        self.sink = Sink().start()
        self.sink.script.rcpt = self.answer_rcpt
        self.sink.script.dot = self.answer_dot
        self.seen_later: set[bytes] = set()
        self.transactions = 0
        self.port = ports.take()
        self.run = 0
        self.stuck: list[str] = []  # recipients of whom no client heard a final word
        self.settings = Settings(
            listeners={f"inet:127.0.0.1:{self.port}": f"protocol = {variant.protocol}"},
            hops={self.sink.address: ""},
            lines={"workers": "1", "dissectors": "1", "handoff": variant.handoff},
            spool={"retry": '{"100ms"}'}, rules=RULES)
        self.build = build
        self.folder = os.path.join(folder, str(variant).replace(", ", "-"))

    def make_postern(self) -> Postern:
        return Postern(self.build, self.folder, self.settings)

    def answer_rcpt(self, path: bytes) -> str:
        if path.startswith(b"bad"):
            return "550 5.1.1 no such user"
        if path.startswith(b"later") and path not in self.seen_later:
            self.seen_later.add(path)
            return "451 4.2.1 later"
        return "250 2.1.5 Ok"

    def answer_dot(self, _message: Message) -> str:
        self.transactions += 1
        return f"250 2.0.0 Ok: queued as S{self.transactions}Q"

    def begin(self) -> tuple[Book, list[threading.Thread]]:
        """Mail begins to flow; the clients come again until they hear a final word."""
        self.run += 1
        self.stuck = []
        self.sink.forget()
        book = Book()
        threads = [threading.Thread(target=self._connect, args=(book, number, list(mails)),
                                    daemon=True) for number, mails in enumerate(BATCH)]
        for thread in threads:
            thread.start()
        return book, threads

    def _connect(self, book: Book, number: int, mails: list[Mail]) -> None:
        end = time.monotonic() + PATIENCE
        waiting = [Errand(book, f"{self.run}.{number}", mail) for mail in mails]
        while waiting and time.monotonic() < end:
            try:
                with Client(self.port, self.variant.is_lmtp, timeout=PATIENCE) as client:
                    while waiting:
                        waiting[0].carry(client, self.variant.is_lmtp)
                        waiting = [errand for errand in waiting if errand.fates]
                    client.write(b"QUIT\r\n")
            except (OSError, Refused, ValueError):
                time.sleep(PAUSE)
        self.stuck += [path for errand in waiting for path in errand.fates]


class Errand:
    """A transaction, tried until there is a final word about each recipient."""

    def __init__(self, book: Book, mark: str, mail: Mail):
        self.book = book
        self.fates = {f"{name}.{mark}@example.com": fate for name, fate in mail.fates.items()}
        self.content = message(f"{mark} {' '.join(mail.fates)}", mail.size)

    def carry(self, client: Client, is_lmtp: bool) -> None:
        paths = list(self.fates)
        for reply in client.envelope("ann@example.org", paths):
            if reply.code // 100 != 2:
                raise Refused(str(reply))
        for path in paths:
            self.book.offer(path, self.content, self.fates[path])
        self._hear(client, paths, is_lmtp)
        if self.fates:
            time.sleep(PAUSE)

    def _hear(self, client: Client, paths: Sequence[str], is_lmtp: bool) -> None:
        client.expect(3, "DATA")
        client.write(stuffed(self.content) + b".\r\n")
        try:
            reply = client.read()
            for number, path in enumerate(paths):
                if number > 0 and is_lmtp:
                    reply = client.read()
                self._note(path, reply)
        except OSError:
            for path in self.fates:
                self.book.doubt(path)
            raise

    def _note(self, path: str, reply: Reply) -> None:
        if reply.code == 250:
            self.book.acknowledge(path, reply.text)
        if reply.code // 100 != 4:
            del self.fates[path]
