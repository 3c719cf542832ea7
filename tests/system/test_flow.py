#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Back pressure: a scanner or a next hop that hangs slows clients down, and refuses nothing."""

import json
import re
import socket
import threading

from case import Case, Client, Postern, Settings, Sink, main, message, ports, send, wait_until
from fake import Fake, read_stream
from load import Load

ROOM, MORE = 256, 128  # under way in one worker: what comes in, what comes from the spool
LOADS = 8  # that are being read from the spool already
CLIENTS = 70
HELD = re.compile(r"\bheld_back_ms=(\d+)")
ONE = {"workers": "1"}


class Flow(Case):
    gate: threading.Event

    def setUp(self) -> None:
        super().setUp()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)

    def hanging(self) -> Fake:
        """A clamd that says nothing until the gate is open."""
        def answer(peer: socket.socket) -> None:
            self.gate.wait(100)
            peer.sendall(b"stream: OK\0")
        fake = Fake(read_stream)
        fake.answer = answer
        self.addCleanup(fake.stop)
        return fake

    def scanned(self, sink: Sink) -> Postern:
        port = ports.take()
        asks = f'type = clamd  servers = {{"{self.hanging().inet}"}}  timeout = 100s'
        postern = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{port}": ""}, hops={sink.address: ""}, lines=ONE,
            filters={"clamav": asks}, dissect={"enabled": "no"}))
        postern.ports = [port]  # type: ignore[attr-defined]
        return postern

    @staticmethod
    def held_back(postern: Postern) -> list[int]:
        """Milliseconds of each that was, in the order of their ends."""
        return [int(HELD.search(line)[1]) for line in postern.log_lines(HELD.pattern)]

    @staticmethod
    def active(postern: Postern) -> int:
        facts = map(json.loads, postern.tool("--json", "status").stdout.splitlines())
        return next(fact["active"] for fact in facts if fact["what"] == "queue")

    def test_a_scanner_that_hangs(self) -> None:
        sink = self.sink()
        postern = self.scanned(sink)
        load = Load(postern.ports[0], ROOM, threads=CLIENTS).start().join()
        self.assertEqual(self.held_back(postern), [])
        more = Load(postern.ports[0], MORE + CLIENTS, threads=CLIENTS).start().join()
        wait_until(lambda: len(self.held_back(postern)) == MORE + CLIENTS, 20, "a line of each")
        took = self.held_back(postern)
        self.assertGreater(min(took), 900)
        self.assertLess(max(took), 5000, "a second, on a busy machine")
        wait_until(lambda: ROOM + MORE <= self.active(postern) <= ROOM + MORE + LOADS, 20,
                   "as many under way as there may be")

        with Client(postern.ports[0]) as client:  # that goes away while it waits
            client.envelope("ann@example.org", ["gone@example.com"])
            client.expect(3, "DATA")
            client.write(message("gone") + b".\r\n")
        self.gate.set()
        sink.wait_for(ROOM + MORE + CLIENTS, 60)
        self.assertEqual((load.trouble, more.trouble), ([], []))
        reply, = send(postern.ports[0], "ann@example.org", ["bob@example.com"], message("again"))
        self.assertEqual(reply.code, 250)
        sink.wait_for(ROOM + MORE + CLIENTS + 1)
        self.assertEqual(len(self.held_back(postern)), len(took), "there is room again")
        self.assert_nothing_left(postern)

    def test_who_waits_goes_on_when_there_is_room(self) -> None:
        sink = self.sink()
        postern = self.scanned(sink)
        load = Load(postern.ports[0], ROOM + CLIENTS, threads=CLIENTS).start()
        postern.wait_log(r"smtp\[\d+\].*: client=", count=ROOM)
        self.gate.set()
        load.join()
        sink.wait_for(ROOM + CLIENTS, 60)
        self.assertEqual(load.trouble, [])
        self.assert_nothing_left(postern)

    def test_nobody_waits_to_drain(self) -> None:
        sink = self.sink()
        postern = self.scanned(sink)
        Load(postern.ports[0], ROOM, threads=CLIENTS).start().join()
        with Client(postern.ports[0]) as client:
            client.envelope("ann@example.org", ["late@example.com"])
            client.expect(3, "DATA")
            client.write(message("late") + b".\r\n")
            postern.reload()
            self.assertEqual(client.read().code, 250)
        self.gate.set()
        sink.wait_for(ROOM + 1, 60)
        self.assert_nothing_left(postern)

    def test_relay_goes_by(self) -> None:
        slow, quick = self.sink(), self.sink()
        slow.script.dot_delay = 3.0
        spool, relay = ports.take(), ports.take()
        postern = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{spool}": 'next_hop = slow',
                       f"inet:127.0.0.1:{relay}": 'next_hop = quick  handoff = relay'},
            hops={slow.address: 'name = slow', quick.address: 'name = quick'}, lines=ONE))
        load = Load(spool, ROOM + CLIENTS, threads=CLIENTS).start()
        postern.wait_log(r"smtp\[\d+\].*: client=", count=ROOM)
        for number in range(10):
            send(relay, "ann@example.org", ["bob@example.com"], message(f"{number}"))
        quick.wait_for(10)
        self.assertLess(len(slow.taken()), ROOM // 2, "the slow one is clogged still")
        self.assertEqual(postern.log_lines("handoff=relay.*held_back"), [])
        slow.script.dot_delay = 0.0
        load.join()
        slow.wait_for(ROOM + CLIENTS, 60)
        self.assertEqual(load.trouble, [])
        self.assert_nothing_left(postern)


if __name__ == "__main__":
    main()
