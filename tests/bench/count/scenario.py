# SPDX-License-Identifier: BSD-2-Clause
"""Messages one after the other through a Postern with one worker, so that what one costs can be
counted: on a machine with much else to do the counts are the same.

The next message is sent when the last one is done: what several have in common when they are under
way at once (a turn of the loop, a sync, a wake-up) is counted for each.
"""

import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Optional, Sequence

import callgraph
import messages
from calls import Calls, Places, Tracer, sum_of
from hop import Hop
from lab import ports
from lab.client import Client
from lab.daemon import Postern, Settings
from lab.process import children_of, wait_until

WARM_UP = 8  # a dissector, connections, slots, and memory that is kept
TRIES = 3
KINDS = ("worker", "dissector", "scribe")
CALLGRIND = ("valgrind", "-q", "--tool=callgrind", "--trace-children=yes", "--vgdb=no",
             "--dump-line=no")
Profiles = dict[str, list[callgraph.Profile]]  # a process each, by kind


@dataclass
class Case:
    """handoff: spool or relay. size: of messages.SIZES. count: messages that are counted."""
    handoff: str
    size: str
    count: int

    @property
    def name(self) -> str:
        number, unit = self.size.split()
        return f"{self.handoff}-{number}{unit[0].lower()}"  # spool-4k


@dataclass
class Costs:
    """Of one message, by kind of process."""
    case: Case
    instructions: dict[str, callgraph.Profile] = field(default_factory=dict)
    calls: dict[str, Calls] = field(default_factory=dict)


class Line:
    """Client, Postern and next hop, in a folder of its own."""

    def __init__(self, build: str, case: Case, planted: str = ""):
        self.case = case
        self.content = messages.make(messages.SIZES[case.size])
        self.folder = tempfile.mkdtemp(prefix="postern-cost-")
        os.chmod(self.folder, 0o755)
        self.port, self.hop, self.sent = ports.take(), Hop(), 0
        settings = Settings(listeners={f"inet:127.0.0.1:{self.port}": ""},
                            hops={self.hop.inet: ""}, log={"file": '""'},
                            lines={"handoff": case.handoff, "workers": "1"})
        self.postern = Postern(build, os.path.join(self.folder, "p"), settings)
        self.postern.log = os.path.join(self.postern.folder, "postern.out")
        self.preload = [planted] if planted else []
        self.client: Optional[Client] = None

    def start(self) -> None:
        self.postern.extra_env["LD_PRELOAD"] = ":".join(self.preload)
        self.postern.start(seconds=60, verbose=False)
        self.client = Client(self.port)

    def stop(self) -> None:
        if self.client is not None:
            self.client.close()
        self.postern.stop()
        self.hop.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def send(self, count: int) -> None:
        """Each to a recipient of its own: the same bytes to the same one were the same message."""
        assert self.client is not None
        for _ in range(count):
            self.sent += 1
            recipient = f"number{self.sent:04d}@example.com"
            reply = self.client.send(messages.SENDER, [recipient], self.content)[0]
            assert reply.code == 250, reply
            wait_until(self._is_done, 30, f"message {self.sent} is done", pause=0.001)

    def _is_done(self) -> bool:
        with open(self.postern.log, "rb") as log:
            log.seek(max(0, os.path.getsize(self.postern.log) - 4096))
            return re.search(rb"done\[\d+\]: .*number%04d@" % self.sent, log.read()) is not None

    def processes(self) -> dict[str, list[int]]:
        """By kind; dissectors are children of the nursery."""
        workers, scribe = self.postern.workers(), self.postern.scribe()
        others = [pid for pid in children_of(self.postern.pid) if pid not in [*workers, scribe]]
        found = {"worker": workers, "scribe": [scribe],
                 "dissector": [pid for other in others for pid in children_of(other)]}
        assert all(found.values()), found
        return found


def _profiles(build: str, case: Case, count: int, planted: str) -> Profiles:
    """Of whole lives of the processes, from start to end, in which they saw `count` messages."""
    line = Line(build, case, planted)
    out = os.path.join(line.folder, "counted")
    os.mkdir(out)
    os.chmod(out, 0o1777)
    line.preload.append(os.path.join(build, "tests", "bench", "count", "unjail.so"))
    line.postern.wrapper = [*CALLGRIND, f"--callgrind-out-file={out}/%p"]
    try:
        line.start()
        line.send(count)
        processes = line.processes()
        assert line.client is not None
        line.client.close()
        line.postern.stop()
        return {kind: [callgraph.read(os.path.join(out, str(pid))) for pid in pids]
                for kind, pids in processes.items()}
    finally:
        line.stop()


def instructions(build: str, case: Case, planted: str = "") -> dict[str, callgraph.Profile]:
    """Of one message: what more messages take more. One process more, as when a slow machine makes
    the worker ask for a second dissector, would count as the messages'."""
    for _ in range(TRIES):
        few = _profiles(build, case, WARM_UP, planted)
        many = _profiles(build, case, WARM_UP + case.count, planted)
        if all(len(few[kind]) == len(many[kind]) for kind in KINDS):
            break
    return {kind: callgraph.sum_of(many[kind]).less(callgraph.sum_of(few[kind]), case.count)
            for kind in KINDS}


def system_calls(build: str, case: Case, planted: str = "") -> dict[str, Calls]:
    """Of one message, of the processes as they are, jailed."""
    line = Line(build, case, planted)
    try:
        line.start()
        line.send(WARM_UP)
        processes = line.processes()
        tracers = {kind: [Tracer(pid, os.path.join(line.folder, f"calls-{pid}"))
                          for pid in pids] for kind, pids in processes.items()}
        for tracer in sum(tracers.values(), []):
            tracer.wait_attached()
        line.send(case.count)
        places = Places(line.port, line.hop.port, line.postern.spool, line.postern.log)
        return {kind: sum_of([tracer.end(places, case.count) for tracer in found])
                for kind, found in tracers.items()}
    finally:
        line.stop()


def measure(build: str, cases: Sequence[Case], planted: str = "") -> list[Costs]:
    """planted: a library to preload. What is counted does not mind what runs beside it."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        work = [(case, pool.submit(instructions, build, case, planted),
                 pool.submit(system_calls, build, case, planted)) for case in cases]
        return [Costs(case, counted.result(), traced.result()) for case, counted, traced in work]
