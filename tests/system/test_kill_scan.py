#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Workers, nursery, dissectors, clamd and rspamd are killed in turn while 2,000 messages flow.

None is lost, none goes out without having been found clean by both scanners, none is put away
that is innocent. What may arrive twice is what test_kill.py allows.
"""

import base64
import collections
import os
import random
import re
import signal
import time
from typing import Callable

import spoolfile
from case import Postern, Settings, Sink, main, ports, split_ours, wait_until
from killing import Copy, Killing, copies_at, unfinished
from lab.clamd import EICAR, Clamd
from lab.process import children_of, status_number
from lab.rspamd import GTUBE, Rspamd
from load import Load
from told import traces

COUNT = 2000
COUNT_RELAY = 500
DIED = "a dissector died on it"
ASKED = re.compile(r"scan\[\d+\]: ([0-9A-Za-z.]+): filter=(clamav|spam), result=clean")
SENT = re.compile(r"send\[\d+\]: ([0-9A-Za-z.]+): .*status=sent")
QUICK = "timeout = 5s  retry_delay = 20ms  dead_time = 1s  probe_interval = 200ms"
TEXT = b"0123456789abcdef" * 4 + b"\r\n"
KILO = 1024
RESIDENT_MAX_KB = 500_000
LIFE = 5.1  # seconds, of src/master/master.c: who dies younger is replaced with a delay


def number_of(path: str) -> int:
    return int(path[1:].partition("@")[0])


def is_eicar(path: str) -> bool:
    return number_of(path) % 20 == 7


def is_gtube(path: str) -> bool:
    return number_of(path) % 20 == 13


def is_clean(path: str) -> bool:
    return not is_eicar(path) and not is_gtube(path)


class Mix(Load):
    """One in twenty is a virus, another one spam; one in ten is larger than what a slot holds."""

    def content_of(self, path: str) -> bytes:
        number = number_of(path)
        size = {0: 100 * KILO, 7: 20 * KILO, 17: 70 * KILO, 53: 200 * KILO, 60: 500 * KILO}.get(
            number % 100, number % 10 * KILO)
        text = TEXT * (size // len(TEXT)) + b"." * (number % 5) + b"\r\n"
        data = EICAR if is_eicar(path) else random.Random(number).randbytes(number % 3000)
        return b"\r\n".join([
            b"From: ann@example.org", b"To: " + path.encode(), b"Subject: load",
            f"Message-ID: <{number}@load.postern.test>".encode(), b"MIME-Version: 1.0",
            b"Content-Type: multipart/mixed; boundary=edge", b"",
            # A part of its own: rspamd does not look for it in large ones.
            b"--edge", b"", GTUBE if is_gtube(path) else b"Hello.",
            b"--edge", b"Content-Type: text/plain", b"", text + b"--edge",
            b"Content-Type: application/octet-stream; name=a.bin",
            b"Content-Transfer-Encoding: base64", b"",
            base64.encodebytes(data).replace(b"\n", b"\r\n") + b"--edge--", b""])


class KillScan(Killing):
    clamd: Clamd
    rspamd: Rspamd

    def setUp(self) -> None:
        super().setUp()
        self.clamd = Clamd(self.path("clamd"))
        self.rspamd = Rspamd(self.path("rspamd"))
        for scanner in (self.clamd, self.rspamd):
            self.addCleanup(scanner.stop)
            scanner.start()

    def asking(self, sink: Sink, **lines: str) -> Postern:
        port = ports.take()
        postern = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{port}": ""}, hops={sink.address: "idle = 1s"}, lines=lines,
            spool={"retry": '{"1s"}'},
            filters={"clamav": f'type = clamd  servers = {{"{self.clamd.unix}"}}  {QUICK}',
                     "spam": f'type = rspamd  servers = {{"{self.rspamd.inet}"}}  {QUICK}'}))
        postern.ports = [port]  # type: ignore[attr-defined]
        return postern

    # What is killed

    @staticmethod
    def nursery(postern: Postern) -> int:
        def find() -> list[int]:
            return [pid for pid in children_of(postern.pid)
                    if executable(pid) == postern.dissect_path]
        found = wait_until(find, 20, "a nursery")
        assert isinstance(found, list)
        return found[0]

    def kill_nursery(self, postern: Postern, _turn: int) -> None:
        victim = self.nursery(postern)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: self.nursery(postern) != victim, 20, "another nursery")

    def kill_dissector(self, postern: Postern, turn: int) -> None:
        """A message on which several die is held: none is hit by the next kill, too."""
        if "handoff" not in postern.settings.lines:
            wait_until(lambda: not unfinished(postern, DIED), 20, "messages hit before to be over")
        infants = wait_until(lambda: children_of(self.nursery(postern)), 20, "dissectors")
        assert isinstance(infants, list)
        os.kill(infants[turn % len(infants)], signal.SIGKILL)

    def kill_clamd(self, _postern: Postern, _turn: int) -> None:
        assert self.clamd.process is not None
        self.clamd.process.kill_group()
        self.clamd.start()

    def kill_rspamd(self, _postern: Postern, _turn: int) -> None:
        assert self.rspamd.process is not None
        self.rspamd.process.kill_group()
        self.rspamd.start()

    def kill_all(self, postern: Postern, load: Load, rounds: int) -> None:
        """In turn, for as long as mail flows. A round takes longer than a child of the master has
        to live so that the next is made at once.
        """
        kills: list[Callable[[Postern, int], None]] = [
            self.kill_worker, self.kill_nursery, self.kill_dissector, self.kill_clamd,
            self.kill_rspamd, self.kill_dissector]
        turn = 0
        while turn < rounds * len(kills) or any(one.is_alive() for one in load.threads):
            kills[turn % len(kills)](postern, turn // len(kills))
            turn += 1
            time.sleep(LIFE / len(kills))
        print(f"{turn} kills, {len(load.trouble)} times the client had to come again, "
              f"{len(postern.log_lines(DIED))} times a dissector died on a message, "
              f"{len(postern.log_lines('result=failed'))} times a scanner did not answer")

    # What must be true then

    def check_settled(self, sink: Sink, postern: Postern, load: Load) -> list[Copy]:
        wanted = {path for path in load.recipients() if is_clean(path)}
        self.all_arrive(sink, wanted)
        wait_until(lambda: not spoolfile.live(postern.spool), 60, "an empty spool", pause=0.3)
        copies = copies_at(sink)
        self.assertEqual({copy.recipient for copy in copies}, wanted)
        for message in sink.taken():
            path = message.recipients[0].decode()
            self.assertEqual(split_ours(message.content)[1], load.content_of(path), path)
        self.check_put_away(postern, load)
        self.check_asked(postern)
        self.check_no_alarm(postern)
        return copies

    def check_put_away(self, postern: Postern, load: Load) -> None:
        """Each virus and each spam once, as far as the client did not have to send it again."""
        self.assertEqual(postern.listing("--where", "hold"), [])
        kept = collections.Counter(one["recipients"][0]["address"]
                                   for one in postern.listing("--where", "quarantine"))
        self.assertEqual(set(kept), {path for path in load.recipients() if not is_clean(path)})
        self.assertLessEqual({path for path, times in kept.items() if times > 1}, load.doubtful)

    def check_asked(self, postern: Postern) -> None:
        """Nothing was sent before both scanners had found it clean. What the log of a turn does not
        say, since a worker was killed in it, the ledger has to know."""
        answers: dict[str, set[str]] = collections.defaultdict(set)
        sent, unsaid = 0, set()
        for line in postern.log_lines(r"result=clean|status=sent"):
            asked, out = ASKED.search(line), SENT.search(line)
            if asked is not None:
                answers[asked.group(1)].add(asked.group(2))
            elif out is not None:
                sent += 1
                if answers[out.group(1)] != {"clamav", "spam"}:
                    unsaid.add(out.group(1))
        self.assertGreater(sent, COUNT_RELAY // 2)
        self.assertLess(len(unsaid), sent / 20)
        for way in traces(postern, sorted(unsaid)):
            clean = {one["filter"] for one in way["results"] if one["result"] == "clean"}
            self.assertEqual(clean, {"clamav", "spam"}, way)
            unsaid.remove(way["postern_id"])
        self.assertEqual(unsaid, set())

    def check_no_alarm(self, postern: Postern) -> None:
        self.assertEqual(os.listdir(os.path.join(postern.spool, "corrupt")), [])
        self.assertEqual([line for line in postern.log_lines("alarm: ") if DIED not in line], [])

    def check_processes(self, postern: Postern, before: dict[str, int]) -> None:
        """Open files as before all this; memory within what a sanitizer keeps back."""
        def now() -> dict[str, int]:
            return open_files(postern, self.nursery(postern))
        wait_until(lambda: all(count <= before[name] + 1 for name, count in now().items()), 20,
                   f"open files as before, {before}", pause=0.5)
        for pid in (postern.pid, *postern.workers(), self.nursery(postern)):
            self.assertLess(status_number(pid, "VmRSS"), RESIDENT_MAX_KB)

    def warm_up(self, sink: Sink, postern: Postern) -> dict[str, int]:
        """A few messages, then what is open."""
        Load(postern.ports[0], 40, threads=2).start().join()
        self.all_arrive(sink, {f"n{number}@example.com" for number in range(40)})
        wait_until(lambda: not spoolfile.live(postern.spool), 20, "an empty spool")
        sink.forget()
        time.sleep(1.5)  # until connections that were kept end
        return open_files(postern, self.nursery(postern))

    def test_spool(self) -> None:
        sink = self.sink()
        postern = self.asking(sink)
        before = self.warm_up(sink, postern)
        load = Mix(postern.ports[0], COUNT, pause=0.05).start()
        self.kill_all(postern, load, 4)
        load.join()
        copies = self.check_settled(sink, postern, load)
        self.sent_twice_only_at_a_kill(copies, 0.2)
        self.explain(copies, load.doubtful)
        self.check_processes(postern, before)

    def test_relay(self) -> None:
        sink = self.sink()
        postern = self.asking(sink, handoff="relay")
        load = Mix(postern.ports[0], COUNT_RELAY, pause=0.1).start()
        self.kill_all(postern, load, 2)
        load.join()
        copies = self.check_settled(sink, postern, load)
        twice = collections.Counter(copy.recipient for copy in copies)
        self.assertLessEqual({path for path, times in twice.items() if times > 1}, load.doubtful)


def executable(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def count_open(pid: int) -> int:
    """Descriptors but those of slots and dissectors, of which load makes more, for minutes.

    To a worker a dissector is a pidfd and a line, to the nursery a pidfd.
    """
    links = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        except FileNotFoundError:
            pass
    slots = sum(link.endswith(" (deleted)") for link in links)
    dissectors = links.count("anon_inode:[pidfd]")
    is_nursery = "postern-dissect" in executable(pid)
    return len(links) - slots - dissectors * (1 if is_nursery else 2)


def open_files(postern: Postern, nursery: int) -> dict[str, int]:
    """Of the master, of the nursery, and of the worker with the most."""
    workers = wait_until(postern.workers, 20, "workers")
    assert isinstance(workers, list)
    return {"master": count_open(postern.pid), "nursery": count_open(nursery),
            "worker": max(count_open(pid) for pid in workers)}


if __name__ == "__main__":
    main()
