#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Memory does not grow with message size: 100 connections with 25 MB each at once."""

import threading

from case import Case, Client, Sink, main, message, wait_until
from lab.process import family_of, status_number

CONNECTIONS, SIZE, LIMIT_KB = 100, 25_000_000, 64 * 1024


class Memory(Case):
    def flood(self, handoff: str) -> None:
        sink: Sink = self.sink(keep_content=False)
        sink.keywords = ("PIPELINING", "8BITMIME", "DSN", "SMTPUTF8")
        postern = self.between(sink, lines={"handoff": handoff}, spool={"sync": "no"})
        content = message(size=SIZE)
        codes: list[int] = []
        ready = threading.Barrier(CONNECTIONS)

        def one(number: int) -> None:
            with Client(postern.ports[0], timeout=170) as client:
                client.envelope("ann@example.org", [f"n{number}@example.com"])
                ready.wait()
                codes.append(client.data(content)[0].code)

        threads = [threading.Thread(target=one, args=(number,), daemon=True)
                   for number in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(180)
        self.assertEqual(codes, [250] * CONNECTIONS)
        wait_until(lambda: len(sink.taken()) == CONNECTIONS, 120, "all at the sink")
        peaks = {pid: status_number(pid, "VmHWM") for pid in family_of(postern.pid)}
        print(f"{handoff}: most resident KB of each process: {sorted(peaks.values())}")
        self.assertGreater(min(peaks.values()), 0)
        self.assertLess(max(peaks.values()), LIMIT_KB)

    def test_spool(self) -> None:
        self.flood("spool")

    def test_relay(self) -> None:
        self.flood("relay")


if __name__ == "__main__":
    main()
