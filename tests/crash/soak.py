# SPDX-License-Identifier: BSD-2-Clause
"""100,000 messages by way of both hand-offs, while each neighbour in turn lies to a part of those
who come to it: nothing is lost, and no process grows.
"""

import argparse
import collections
import itertools
import logging
import os
import random
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Callable

import spoolfile
import table
from case import BUILD, Message, Postern, Settings, Sink, ports, wait_until
from lab.process import children_of
from lab.redis import Redis
from liar import Liar, Neighbour, join
from lies import LIES, Cue
from load import Load
from lying_smtp import STEPS, Hop
from ward import targets
from ward_hop import HONEST, HONEST_TO_BDAT
from ward_scanner import CLEAN, GOOD, http, read_http, read_stream
from ward_told import LogSocket, void

MESSAGES, MARKS = 100_000, 10
SHARE_ROUND = 500  # messages through each door in a share's rounds
FROM_MARK = 2  # from which growth counts
THREADS = 8  # of each hand-off
LIED_TO = 0.3  # of the connections to the neighbour whose turn it is
TURN = 0.5  # seconds
SEVERED = 5  # connections that end when a neighbour's turn begins
GROWTH, GROWTH_MB = 0.10, 2.0  # that is no growth
SHARE_MB, SHARE_FILES = 6.0, 8  # nor is that, where few messages show what is filled once only
REST = 6  # seconds after which free memory has been given back
STOCK = 1024  # descriptors of the spool's empty files, which come and go with the load
ROLES = ("worker", "scribe", "master", "nursery")


class Count(Sink):
    """Keeps of the messages only how often each recipient got one."""

    def __init__(self) -> None:
        super().__init__(keep_content=False)
        logging.getLogger("asyncio").disabled = True  # it tells of each peer that breaks off
        self.arrived: collections.Counter[str] = collections.Counter()

    def record(self, message: Message) -> None:
        with self.lock:
            self.arrived.update(path.decode() for path in message.recipients)


@dataclass
class Sample:
    """Once all is quiet. memory: MB of each process by role, anonymous and shared."""
    messages: int
    memory: dict[str, list[float]]
    files: int
    pids: list[int]


class Soak:
    """A Postern amid neighbours, one of whom lies; another one each TURN."""

    def __init__(self, folder: str, seed: int):
        self.chance = random.Random(seed)
        self.sink = Count().start()
        self.redis = Redis(os.path.join(folder, "redis")).start()
        self.hops = {step: Hop(step) for step in STEPS}
        self.log = LogSocket(os.path.join(folder, "log.sock"))
        self.liars = {
            "hop": Liar(lambda peer: void(join(peer, self.sink.port))),
            "clamd": Liar(lambda peer: answer(peer, read_stream, CLEAN)),
            "rspamd": Liar(lambda peer: answer(peer, read_http, http(GOOD))),
            "redis": Liar(lambda peer: void(join(peer, self.redis.socket)))}
        self.ports = [ports.take(), ports.take()]
        self.postern = Postern(BUILD, os.path.join(folder, "postern"), self.settings())
        self.is_over = threading.Event()
        self.sent = 0
        self.lies = 0

    def settings(self) -> Settings:
        asked = ("timeout = 300ms  connect_timeout = 300ms  retries = 1  retry_delay = 10ms  "
                 "dead_time = 500ms  probe_interval = 100ms  on_error = defer")
        spool, relay = (f"inet:127.0.0.1:{port}" for port in self.ports)
        return Settings(
            listeners={spool: "", relay: "handoff = relay"},
            hops={self.liars["hop"].address: "connect_timeout = 500ms  timeout = 500ms  "
                                             "dot_timeout = 1s  idle = 1s  dead_time = 100ms"},
            lines={"relay_deadline": "5s", "dissectors": "2"}, spool={"retry": '{"300ms", "1s"}'},
            filters={name: f'type = {name}  servers = {{"{self.liars[name].address}"}}  {asked}'
                     for name in ("clamd", "rspamd")},
            redis={"servers": f'{{"{self.liars["redis"].address}"}}', "timeout": "200ms",
                   "ttl": "60s"},
            log={"syslog": "yes", "syslog_path": f'"{self.log.path}"'})

    def start(self) -> None:
        self.postern.start(verbose=False)
        threading.Thread(target=self.take_turns, daemon=True).start()

    def stop(self) -> None:
        self.is_over.set()
        self.postern.stop()
        for liar in self.neighbours():
            liar.stop()
        self.redis.stop()
        self.sink.stop()

    def neighbours(self) -> list[Neighbour]:
        return [*self.liars.values(), self.log]

    # Lies

    def take_turns(self) -> None:
        turns: list[Callable[[], None]] = [lambda name=name: self.lie(name) for name in self.liars]
        turns += [self.stop_reading, lambda: None]
        for turn in itertools.cycle(turns):
            for one in self.neighbours():
                one.tell_truth()
            turn()
            if self.is_over.wait(TURN):
                return

    def lie(self, name: str) -> None:
        liar = self.liars[name]
        ways = {"hop": self.way_of_hop, "clamd": self.way_of_clamd, "rspamd": self.way_of_rspamd,
                "redis": self.way_of_redis}

        def pick(_number: int):
            if self.chance.random() > LIED_TO:
                return None
            self.lies += 1
            return ways[name]()
        liar.pick = pick
        liar.sever(SEVERED)

    def way_of_hop(self):
        step, name = self.chance.choice([
            (step, name) for step in STEPS if step != "DATA" for name in LIES
            if (step, name) not in HONEST | HONEST_TO_BDAT])
        return self.hops[step], LIES[name]

    def way_of_clamd(self):
        def asked(peer):
            read_stream(peer)
            return Cue(CLEAN, CLEAN, b"OK\0", b"stream: OK\n")
        return asked, self.any_lie()

    def way_of_rspamd(self):
        def asked(peer):
            read_http(peer)
            return Cue(http(GOOD), http(GOOD), b"HTTP/1.1 250 Ok\r\n\r\n", b"X-More: more\r\n")
        return asked, self.any_lie()

    def way_of_redis(self):
        return lambda peer: Cue(b"+OK\r\n", b"+QUEUED\r\n" * 9, b"+OK\r\n", b"*1000\r\n"), \
            self.any_lie()

    def any_lie(self):
        return LIES[self.chance.choice(sorted(LIES))]

    def stop_reading(self) -> None:
        self.log.reads = False

    # Mail

    def round(self, count: int) -> set[str]:
        """So many messages through each door; the recipients that got none."""
        loads, wanted = [], set()
        for port, door in zip(self.ports, ("spool", "relay")):
            load = Load(port, 0, threads=THREADS)
            load.waiting = [f"{door}{self.sent + number}@example.com" for number in range(count)]
            load.deadline = time.monotonic() + 60 + count
            wanted.update(load.waiting)
            loads.append(load.start())
        for load in loads:
            for thread in load.threads:
                thread.join()
            load.join()
        self.sent += count

        def missing() -> set[str]:
            taken = set().union(*(hop.taken for hop in self.hops.values()))
            return wanted - set(self.sink.arrived) - taken
        try:
            wait_until(lambda: not missing() and not spoolfile.live(self.postern.spool), 90,
                       "all mail", pause=0.3)
        except AssertionError:
            print(f"missing: {sorted(missing())[:9]}", flush=True)
        return missing()

    def sample(self) -> Sample:
        """When what was kept open for more mail is closed."""
        master = self.postern.pid
        pids = [master, *children_of(master)]
        files: list[int] = []

        def is_quiet() -> bool:
            files.append(sum(len(targets(pid, self.postern.spool, STOCK)) for pid in pids))
            return len(files) >= 2 * REST and len(set(files[-4:])) == 1
        wait_until(is_quiet, 60, "as many descriptors as before", pause=0.5)
        workers, scribe = self.postern.workers(), self.postern.scribe()
        memory: dict[str, list[float]] = {role: [] for role in ROLES}
        for pid in pids:
            role = "master" if pid == master else "worker" if pid in workers else \
                "scribe" if pid == scribe else "nursery"
            memory[role].append(megabytes(pid))
        return Sample(2 * self.sent, memory, files[-1], pids)


def answer(peer, read, truth: bytes) -> None:
    read(peer)
    peer.sendall(truth)


def megabytes(pid: int) -> float:
    """What is the process's own, and its share of what it shares with others; no files."""
    kilobytes = 0
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith(("Anonymous:", "Pss_Shmem:")):
                kilobytes += int(line.split()[1])
    return kilobytes / 1024


def beyond(first: Sample, last: Sample, spare_mb: float, spare_files: int) -> list[str]:
    """What grew."""
    found = [f"{role} from {before:.1f} to {after:.1f} MB" for role in ROLES
             for before, after in zip(first.memory[role], last.memory[role])
             if after > before * (1 + GROWTH) + spare_mb]
    if last.files > first.files + spare_files:
        found.append(f"descriptors from {first.files} to {last.files}")
    if last.pids != first.pids:
        found.append(f"processes {first.pids} are {last.pids} now")
    return found


def figures(sample: Sample) -> list[str]:
    return ["+".join(f"{one:.1f}" for one in sample.memory[role]) for role in ROLES]


def run(options: argparse.Namespace) -> table.Table:
    said = table.Table("soak", ("messages", *(f"{role} MB" for role in ROLES), "descriptors",
                                "lost", "beyond"), ("lost", "beyond"))
    folder = tempfile.mkdtemp(prefix="postern-soak-")
    os.chmod(folder, 0o755)
    soak = Soak(folder, options.seed)
    began = time.monotonic()
    samples: list[Sample] = []
    lost = 0
    try:
        soak.start()
        while len(samples) < MARKS if options.share is None else \
                time.monotonic() - began < options.share or len(samples) <= FROM_MARK:
            count = SHARE_ROUND if options.share else MESSAGES // MARKS // 2
            missing = soak.round(count)
            lost += len(missing)
            samples.append(soak.sample())
            said.add(samples[-1].messages, *figures(samples[-1]), samples[-1].files, len(missing),
                     0)
            print(said.rows[-1], flush=True)
    finally:
        soak.stop()
    first, last = samples[FROM_MARK - 1], samples[-1]
    grown = beyond(first, last, SHARE_MB, SHARE_FILES) if options.share else \
        beyond(first, last, GROWTH_MB, 0)
    said.add("growth", *(f"{sum(last.memory[role]) - sum(first.memory[role]):+.1f}"
                         for role in ROLES), last.files - first.files, lost, len(grown))
    said.notes = [f"Grown: {one}" for one in grown]
    twice = {path for path, count in soak.sink.arrived.items() if count > 1}
    unexplained = twice - set(soak.postern.recipients_with("deferred"))
    said.notes.append(f"{soak.lies} connections were lied to; {len(twice)} messages arrived twice, "
                      f"{len(unexplained)} of them although no reply of the next hop was missed. "
                      f"Growth counts from row {FROM_MARK}. "
                      f"{(time.monotonic() - began) / 60:.0f} minutes.")
    if said.is_good():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        said.notes.append(f"Everything is in {folder}.")
    return said
