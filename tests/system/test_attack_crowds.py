#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Attacks by crowds, and by clients that are slow or without end: others get through."""

import os
import socket
import struct
import threading

from case import Case, Client, Postern, main, message, wait_until
from lab.process import status_number


class Crowds(Case):
    def quick(self, postern: Postern, seconds: float) -> None:
        """One message goes through meanwhile."""
        with Client(postern.ports[0], timeout=seconds) as client:  # type: ignore[attr-defined]
            client.send("ann@example.org", ["bob@example.com"], message())

    def flood(self, port: int, count: int, data: bytes = b"") -> list[socket.socket]:
        crowd = []
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port))
            one.setblocking(False)
            self.addCleanup(one.close)
            if data:
                one.send(data)
            crowd.append(one)
        return crowd

    def test_more_than_may_come(self) -> None:
        """A crowd takes all places and keeps silent; when its time is up others get one."""
        sink = self.sink()
        postern = self.between(sink, inside="timeout = 2s", lines={"max_connections": "20"})
        self.flood(postern.ports[0], 60)
        self.quick(postern, 40)
        sink.wait_for(1)
        for pid in postern.workers():
            self.assertLess(len(os.listdir(f"/proc/{pid}/fd")), 200)

    def test_below_the_limit(self) -> None:
        """A crowd that does everything but send mail holds up nobody."""
        sink = self.sink()
        postern = self.between(sink, lines={"max_connections": "400"})
        half = b"EHLO x\r\nMAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n"
        for data in (b"", b"EHLO", b"EHLO x\r\n", half, half + b"Subject: x\r\n" * 100):
            self.flood(postern.ports[0], 50, data)
        self.quick(postern, 20)
        sink.wait_for(1)
        # Who comes and goes, without a word or in the middle of one.
        for _ in range(300):
            gone = socket.create_connection(("127.0.0.1", postern.ports[0]))
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.close()
        self.quick(postern, 20)
        self.assert_nothing_left(postern)

    def write_until_stuck(self, client: Client, data: bytes, most: int) -> int:
        """How much the server took of a client that never reads."""
        client.socket.setblocking(False)
        total = 0

        def is_stuck() -> bool:
            nonlocal total
            before = total
            try:
                while total < most:
                    total += client.socket.send(data)
            except BlockingIOError:
                pass
            except ConnectionError:
                return True
            return total == before or total >= most
        wait_until(is_stuck, 30, "nothing more to be taken", 0.5)
        return total

    def test_who_never_reads(self) -> None:
        """Replies are kept within a bound: who does not take them is not listened to."""
        sink = self.sink()
        postern = self.between(sink, lines={"workers": "1"})
        worker, = postern.workers()
        before = status_number(worker, "VmRSS")
        with Client(postern.ports[0]) as client:
            took = self.write_until_stuck(client, b"NOOP\r\n" * 10_000, 200_000_000)
            self.assertLess(took, 100_000_000)
            self.quick(postern, 20)
        self.assertLess(status_number(worker, "VmRSS") - before, 100_000)

    def test_a_byte_at_a_time(self) -> None:
        """Slow ones keep a connection, not a worker; and that for a session's time."""
        sink = self.sink()
        postern = self.between(sink, inside="timeout = 3s",
                               lines={"workers": "1", "max_session": "6s"})
        slow = [Client(postern.ports[0]) for _ in range(20)]
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.2):
                for client in slow:
                    try:
                        client.write(b"N")
                    except OSError:
                        return
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            for _ in range(5):
                self.quick(postern, 10)
            self.ends(slow[0])
        finally:
            stop.set()
            thread.join()
            for client in slow:
                client.close()
        sink.wait_for(5)

    def ends(self, client: Client) -> None:
        """The server ends it, with 421 or without."""
        client.socket.settimeout(30)
        try:
            self.assertEqual(client.read().code, 421)
        except ConnectionError:
            pass

    def test_recipients_without_end(self) -> None:
        sink = self.sink()
        postern = self.between(sink, lines={"max_recipients": "100", "workers": "1"})
        worker, = postern.workers()
        with Client(postern.ports[0]) as client:
            client.expect(2, "MAIL FROM:<ann@example.org>")
            before = status_number(worker, "VmRSS")
            codes = {client.command(f"RCPT TO:<{number}{'x' * 50}@example.com>").code
                     for number in range(200)}
            self.assertEqual(codes - {421}, {250, 452})
            self.assertLess(status_number(worker, "VmRSS") - before, 20_000)


if __name__ == "__main__":
    main()
