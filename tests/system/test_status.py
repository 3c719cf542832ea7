#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""/metrics, /healthz, /readyz and postern status: what they say, and that nobody can block them."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from typing import Optional

from prometheus_client.parser import text_string_to_metric_families

from case import Case, Postern, Sink, main, message, ports, send, wait_until
from lab.clamd import EICAR, Clamd
from lab.daemon import quoted

SENDER, BOB = "ann@example.org", "bob@example.com"
VITALS = 20  # seconds in which what workers tell is there for certain
FILES = 40   # and what is counted in the spool


class Page:
    """What was answered to a GET."""

    def __init__(self, port: int, path: str, method: str = "GET"):
        peer = http.client.HTTPConnection(ports.HOST, port, timeout=10)
        peer.request(method, path)
        answer = peer.getresponse()
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.text = answer.read().decode()
        peer.close()


class Figures:
    """/metrics as Prometheus' own parser for Python reads it."""

    def __init__(self, port: int):
        self.text = Page(port, "/metrics").text
        self.values = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
                       for family in text_string_to_metric_families(self.text)
                       for sample in family.samples}

    def get(self, name: str, **labels: str) -> Optional[float]:
        return self.values.get((name, tuple(sorted(labels.items()))))


class Status(Case):
    def watched(self, sink: Sink, **sections: dict[str, str]) -> Postern:
        """A Postern that answers over HTTP; `.http` is its port."""
        port = ports.take()
        postern = self.between(sink, https={f"inet:127.0.0.1:{port}": ""}, **sections)
        postern.http = port  # type: ignore[attr-defined]
        return postern

    def facts(self, postern: Postern, what: str, **wanted: object) -> list[dict]:
        """Those of `postern --json status` that are so."""
        lines = postern.tool("--json", "status").stdout.splitlines()
        return [fact for fact in map(json.loads, lines)
                if fact["what"] == what and wanted.items() <= fact.items()]

    def test_the_page_is_clean(self) -> None:
        sink = self.sink()
        postern = self.watched(sink, rules={"late": 'subject = "*quarantine*"  action = quarantine'})
        for number in range(5):
            send(postern.ports[0], SENDER, [BOB], message(f"number {number}"))
        send(postern.ports[0], SENDER, [BOB], message("to quarantine"))
        sink.wait_for(5)
        figures = wait_until(lambda: self.told(postern, 6), VITALS, "6 messages in the figures")
        done = subprocess.run(["promtool", "check", "metrics"], input=figures.text, text=True,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(figures.get("postern_messages_total", verdict="accept"), 5)
        self.assertEqual(figures.get("postern_messages_total", verdict="quarantine"), 1)
        self.assertEqual(figures.get("postern_received_messages_total"), 6)
        self.assertEqual(figures.get("postern_deliveries_total", result="sent"), 5)
        self.assertGreater(figures.get("postern_received_bytes_total"), 6 * len(message()))
        self.assertEqual(figures.get("postern_stage_seconds_count", stage="receive"), 6)
        self.assertEqual(figures.get("postern_stage_seconds_count", stage="send"), 5)
        self.assertEqual(figures.get("postern_ledger_up"), 1)
        self.assertIsNone(figures.get("postern_redis_up"))
        self.assertGreater(figures.get("process_resident_memory_bytes", process="master"), 1 << 20)
        wait_until(lambda: Figures(postern.http).get("postern_queue_messages", place="quarantine")
                   == 1, FILES, "the quarantine to be counted")
        queue, = self.facts(postern, "queue")
        self.assertEqual((queue["active"], queue["quarantine"]), (0, 1))

    @staticmethod
    def told(postern: Postern, count: int) -> Optional[Figures]:
        """The figures, once the scribe has heard of so many messages and seen both workers."""
        figures = Figures(postern.http)
        return figures if figures.get("postern_stage_seconds_count", stage="receive") == count \
            and figures.get("postern_processes", process="worker") == 2 else None

    def test_refusals_are_counted(self) -> None:
        postern = self.watched(self.sink(), lines={"max_recipients": "1"})
        with socket.create_connection((ports.HOST, postern.ports[0])) as peer:
            lines = peer.makefile("rb")
            for command in ("", "EHLO x", "NONSENSE", "MAIL FROM:<a@example.org>",
                            "RCPT TO:<b@example.com>", "RCPT TO:<c@example.com>"):
                peer.sendall(command.encode() + b"\r\n" if command else b"")
                while lines.readline()[3:4] == b"-":
                    continue
            figures = Figures(postern.http)
        self.assertEqual(figures.get("postern_smtp_rejects_total", code="500"), 1)
        self.assertEqual(figures.get("postern_smtp_rejects_total", code="452"), 1)
        self.assertEqual(figures.get("postern_smtp_rejects_total", code="550"), 0)

    def test_a_filter_goes_and_comes_back(self) -> None:
        clamd = Clamd(self.path("clamd"))
        self.addCleanup(clamd.stop)
        clamd.start()
        sink = self.sink()
        postern = self.watched(sink, lines={"workers": "1"}, filters={
            "clamav": f'type = clamd  servers = {{"{clamd.inet}"}}  on_error = accept  '
                      'max_errors = 1  retries = 0  probe_interval = 1s'})
        labels = {"filter": "clamav", "server": clamd.inet}

        def is_shown(value: int) -> bool:
            return Figures(postern.http).get("postern_upstream_up", **labels) == value and \
                bool(self.facts(postern, "upstream", up=bool(value), **labels))
        wait_until(lambda: is_shown(1), VITALS, "the filter to be up")
        send(postern.ports[0], SENDER, [BOB], message() + EICAR + b"\r\n")
        postern.wait_log("filter=clamav, result=hit")
        clamd.stop()
        send(postern.ports[0], SENDER, [BOB], message("nobody is asked"))
        wait_until(lambda: is_shown(0), VITALS, "the filter to be down")
        self.assertIn(f"upstream   down  clamav  {clamd.inet}\n", postern.tool("status").stdout)
        clamd.start()
        wait_until(lambda: is_shown(1), VITALS, "the filter to be up again")
        figures = Figures(postern.http)
        self.assertEqual(figures.get("postern_filter_seconds_count", filter="clamav",
                                     result="failed"), 1)
        self.assertEqual(figures.get("postern_filter_seconds_count", filter="clamav",
                                     result="hit"), 1)

    def test_a_next_hop_is_away(self) -> None:
        sink = self.sink()
        postern = self.watched(sink, hop='name = "out"')
        labels = {"next_hop": "out", "server": sink.address}
        wait_until(lambda: Figures(postern.http).get("postern_next_hop_up", **labels) == 1, VITALS,
                   "the next hop to be up")
        sink.stop()
        send(postern.ports[0], SENDER, [BOB], message())
        wait_until(lambda: Figures(postern.http).get("postern_next_hop_up", **labels) == 0, VITALS,
                   "the next hop to be down")
        self.assertTrue(self.facts(postern, "next_hop", up=False, **labels))
        self.assertEqual(Figures(postern.http).get("postern_queue_messages", place="deferred"), 1)
        queue, = self.facts(postern, "queue")
        self.assertEqual((queue["active"], queue["waiting"]), (0, 1))

    def test_a_locked_ledger_keeps_nobody_waiting(self) -> None:
        sink = self.sink()
        postern = self.watched(sink)
        wait_until(lambda: Figures(postern.http).get("postern_ledger_up") == 1, VITALS, "a ledger")
        lock = sqlite3.connect(postern.ledger, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        send(postern.ports[0], SENDER, [BOB], message())
        sink.wait_for(1)
        # Each answer comes while the lock is held, and is soon enough to see it go wrong.
        wait_until(lambda: Figures(postern.http).get("postern_ledger_up") == 0, VITALS,
                   "the ledger to be in trouble")
        ledger, = self.facts(postern, "ledger")
        self.assertFalse(ledger["up"])
        self.assertNotEqual(ledger["trouble"], "")
        self.assertGreater(ledger["behind_ms"], 0)
        wait_until(lambda: Page(postern.http, "/readyz").status == 200, VITALS, "readiness")
        lock.execute("ROLLBACK")
        lock.close()
        wait_until(lambda: Figures(postern.http).get("postern_ledger_behind_seconds") == 0, VITALS,
                   "the ledger to be written")
        self.assertEqual(Figures(postern.http).get("postern_ledger_up"), 1)
        self.assertEqual(Figures(postern.http).get("postern_events_dropped_total"), 0)

    def test_readiness_is_room(self) -> None:
        postern = self.watched(self.sink())
        wait_until(lambda: Page(postern.http, "/readyz").status == 200, VITALS, "readiness")
        postern.settings.spool["min_free"] = '"1000000G"'
        postern.reload()
        wait_until(lambda: Page(postern.http, "/readyz").status == 503, VITALS, "no room")
        wait_until(lambda: "too little space in " in Page(postern.http, "/readyz").text, VITALS,
                   "the reason")
        self.assertEqual(Page(postern.http, "/healthz").text, "ok\n")
        postern.settings.spool["min_free"] = '"16M"'
        postern.reload()
        wait_until(lambda: Page(postern.http, "/readyz").status == 200, VITALS, "readiness again")

    def test_no_scrape_is_lost_in_a_reload(self) -> None:
        postern = self.watched(self.sink())
        answers: list[int] = []
        troubles: list[Exception] = []
        is_over = threading.Event()

        def scrape() -> None:
            while not is_over.is_set():
                try:
                    answers.append(Page(postern.http, "/metrics").status)
                except (OSError, http.client.HTTPException) as error:
                    troubles.append(error)
        thread = threading.Thread(target=scrape)
        thread.start()
        try:
            for _ in range(3):
                before = len(answers)
                postern.reload()
                wait_until(lambda: len(answers) > before + 20, 20, "answers")
        finally:
            is_over.set()
            thread.join()
        self.assertEqual(troubles, [])
        self.assertEqual(set(answers), {200})

    def test_health_is_a_live_worker(self) -> None:
        postern = self.watched(self.sink(), lines={"workers": "1"})
        wait_until(lambda: Page(postern.http, "/healthz").status == 200, VITALS, "health")
        worker, = postern.workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            wait_until(lambda: Page(postern.http, "/healthz").status == 503, 30, "illness")
            self.assertEqual(Page(postern.http, "/readyz").status, 503)
        finally:
            os.kill(worker, signal.SIGCONT)
        wait_until(lambda: Page(postern.http, "/healthz").status == 200, VITALS, "health again")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: postern.workers() not in ([], [worker]), 20, "another worker")
        wait_until(lambda: [fact["pid"] for fact in self.facts(postern, "process", kind="worker")]
                   == postern.workers(), VITALS, "the new worker in the status")

    def test_nobody_is_kept_waiting_by_slow_clients(self) -> None:
        postern = self.watched(self.sink())
        peers = [socket.create_connection((ports.HOST, postern.http)) for _ in range(200)]
        for number, peer in enumerate(peers):
            try:
                peer.sendall([b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
                              b"X" * 100000][number % 4])
            except OSError:  # one that was closed already
                pass
        self.assertTrue(self.facts(postern, "daemon"))
        self.assertEqual(postern.tool("list").returncode, 1)
        # They are cut off; until then the places may all be taken.
        wait_until(lambda: self.answers(postern), VITALS, "an answer for who asks properly")
        for peer in peers:
            peer.close()
        self.assertEqual(postern.tool("status").returncode, 0)

    @staticmethod
    def answers(postern: Postern) -> bool:
        try:
            return Page(postern.http, "/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def test_over_a_unix_socket(self) -> None:
        sink = self.sink()
        path = self.path("http.sock")
        postern = self.between(sink, https={"unix:" + path: 'clients = {"192.0.2.1"}'})
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(10)
            peer.connect(path)
            peer.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            self.assertRegex(peer.makefile("rb").read(), rb"^HTTP/1\.0 200 OK\r\n(?s:.*)\r\nok\n$")
        self.assertTrue(self.facts(postern, "daemon", config=postern.conf))

    def test_strangers_and_methods(self) -> None:
        port = ports.take()
        postern = self.between(self.sink(), https={f"inet:127.0.0.1:{port}":
                                                   'clients = {"192.0.2.0/24"}'})
        self.assertEqual(Page(port, "/metrics").status, 403)
        postern.settings.https[f"inet:127.0.0.1:{port}"] = ""
        postern.reload()
        wait_until(lambda: Page(port, "/metrics").status == 200, VITALS, "the new clients")
        self.assertEqual(Page(port, "/metrics", "POST").status, 405)
        self.assertEqual(Page(port, "/other").status, 404)
        page = Page(port, "/metrics", "HEAD")
        self.assertEqual((page.status, page.text), (200, ""))
        self.assertGreater(int(page.headers["content-length"]), 1000)
        self.assertEqual(page.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual(page.headers["cache-control"], "no-store")
        self.assertNotIn("server", page.headers)

    def test_the_tool(self) -> None:
        postern = self.watched(self.sink())
        wait_until(lambda: sorted(fact["pid"]
                                  for fact in self.facts(postern, "process", kind="worker"))
                   == sorted(postern.workers()), VITALS, "both workers")
        master, = self.facts(postern, "process", kind="master")
        self.assertEqual(master["pid"], postern.pid)
        self.assertLess(abs(master["since"] - time.time()), 3600)
        self.assertEqual(len(self.facts(postern, "process", kind="scribe")), 1)
        wait_until(lambda: self.facts(postern, "process", kind="nursery"), VITALS, "a nursery")
        shown = postern.tool("status").stdout.splitlines()
        for word in ("daemon", "master", "worker", "scribe", "nursery", "queue", "ledger"):
            self.assertTrue(any(line.startswith(word + " ") for line in shown), (word, shown))
        self.assertFalse(any(line.startswith("redis") for line in shown), shown)
        postern.stop()
        done = postern.tool("status", check=False)
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        self.assertIn("nobody answers at ", done.stderr)

    def test_redis_is_away(self) -> None:
        server = f"inet:127.0.0.1:{ports.take()}"
        postern = self.watched(self.sink(), redis={"servers": f"{{{quoted(server)}}}"})
        wait_until(lambda: Figures(postern.http).get("postern_redis_up") == 0, VITALS, "no Redis")
        redis = wait_until(lambda: self.facts(postern, "redis", up=False), VITALS, "its state")
        self.assertNotEqual(redis[0]["trouble"], "")
        wait_until(lambda: Page(postern.http, "/readyz").status == 200, VITALS, "readiness")


if __name__ == "__main__":
    main()
