# SPDX-License-Identifier: BSD-2-Clause
"""Mail from several threads at once, each message to a recipient of its own."""

import threading
import time
from typing import Optional

from case import message
from lab.client import Address, Client, Refused


def recipient(number: int) -> str:
    return f"n{number}@example.com"


class Load:
    """`count` messages to n0@.., n1@.. ; what is not acknowledged is sent again, as Postfix does.

    goes_on: and then more, until finish() is called; recipients() are all there were.

    acknowledged: recipients whose message got a 250. doubtful: those whose content had gone out
    when the connection was lost once, so that they were sent again and may arrive twice.
    """

    def __init__(self, address: Address, count: int, threads: int = 8, is_lmtp: bool = False,
                 per_connection: int = 50, size: int = 0, goes_on: bool = False,
                 pause: float = 0):
        self.address = address
        self.is_lmtp = is_lmtp
        self.per_connection = per_connection
        self.pause = pause  # of each thread, in front of each message
        self.content = message("load", size)
        self.lock = threading.Lock()
        self.count = count  # so far
        self.waiting = [recipient(number) for number in range(count)]
        self.goes_on = goes_on
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

    def finish(self) -> "Load":
        self.goes_on = False
        return self.join()

    def recipients(self) -> set[str]:
        return {recipient(number) for number in range(self.count)}

    def content_of(self, path: str) -> bytes:  # pylint: disable=unused-argument
        return self.content

    def _next(self) -> Optional[str]:
        with self.lock:
            if self.waiting:
                return self.waiting.pop()
            if not self.goes_on:
                return None
            self.count += 1
            return recipient(self.count - 1)

    def _work(self) -> None:
        while (self.waiting or self.goes_on) and time.monotonic() < self.deadline:
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
            path = self._next()
            if path is None:
                break
            is_acknowledged = False
            try:
                time.sleep(self.pause)
                self._one(client, path)
                is_acknowledged = True
            finally:
                with self.lock:
                    if is_acknowledged:
                        self.acknowledged.add(path)
                    else:
                        self.waiting.append(path)
        client.write(b"QUIT\r\n")

    def _one(self, client: Client, path: str) -> None:
        for reply in client.envelope("ann@example.org", [path]):
            if reply.code // 100 != 2:
                raise Refused(str(reply))
        try:
            reply, = client.data(self.content_of(path))
        except OSError:
            with self.lock:
                self.doubtful.add(path)
            raise
        if reply.code != 250:
            raise Refused(str(reply))
