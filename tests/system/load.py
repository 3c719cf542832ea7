# SPDX-License-Identifier: BSD-2-Clause
"""Mail from several threads at once, each message to a recipient of its own."""

import threading
import time
from typing import Optional

from case import message
from lab.client import Address, Client, Refused


class Load:
    """`count` messages to n0@.., n1@.. ; what is not acknowledged is sent again, as Postfix does.

    acknowledged: recipients whose message got a 250. doubtful: those whose content had gone out
    when the connection was lost once, so that they were sent again and may arrive twice.
    """

    def __init__(self, address: Address, count: int, threads: int = 8, is_lmtp: bool = False,
                 per_connection: int = 50, size: int = 0, prefix: str = "n"):
        self.address = address
        self.is_lmtp = is_lmtp
        self.per_connection = per_connection
        self.content = message("load", size)
        self.lock = threading.Lock()
        self.waiting = [f"{prefix}{number}@example.com" for number in range(count)]
        self.acknowledged: set[str] = set()
        self.doubtful: set[str] = set()
        self.trouble: list[str] = []  # lost connections, refused messages
        self.unexpected: list[str] = []
        self.deadline = time.monotonic() + 150
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def join(self) -> "Load":
        for thread in self.threads:
            thread.join(160)
        assert not any(thread.is_alive() for thread in self.threads), "the load did not end"
        assert not self.unexpected, self.unexpected[:3]
        assert not self.waiting, f"{len(self.waiting)} messages were never acknowledged"
        return self

    def is_over(self) -> bool:
        return not any(thread.is_alive() for thread in self.threads)

    def _next(self) -> Optional[str]:
        with self.lock:
            return self.waiting.pop() if self.waiting else None

    def _work(self) -> None:
        while self.waiting and time.monotonic() < self.deadline:
            try:
                with Client(self.address, self.is_lmtp) as client:
                    self._session(client)
            except (OSError, Refused, ValueError) as error:
                self.trouble.append(repr(error))
                time.sleep(0.1)
            except Exception as error:  # pylint: disable=broad-except
                self.unexpected.append(repr(error))
                return

    def _session(self, client: Client) -> None:
        for _ in range(self.per_connection):
            recipient = self._next()
            if recipient is None:
                break
            is_acknowledged = False
            try:
                self._one(client, recipient)
                is_acknowledged = True
            finally:
                with self.lock:
                    if is_acknowledged:
                        self.acknowledged.add(recipient)
                    else:
                        self.waiting.append(recipient)
        client.write(b"QUIT\r\n")

    def _one(self, client: Client, recipient: str) -> None:
        for reply in client.envelope("ann@example.org", [recipient]):
            if reply.code // 100 != 2:
                raise Refused(str(reply))
        try:
            reply, = client.data(self.content)
        except OSError:
            with self.lock:
                self.doubtful.add(recipient)
            raise
        if reply.code != 250:
            raise Refused(str(reply))
