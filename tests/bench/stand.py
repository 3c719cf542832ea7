# SPDX-License-Identifier: BSD-2-Clause
"""The machine park of one run: load generator, sink, and whatever stands between them.

    with Park(options) as park:
        direct, spool = park.direct(), park.postern("spool")
        message = park.messages["4 KB"]
        count = park.count_for(spool, message, connections=20, seconds=2)
        run = park.send(spool, message, 20, count)      # run.rate, run.cpu_ms, run.limit
        both = park.rounds([direct, spool], message, 20, [2, 2])  # taking turns

`options` are those of tests/bench/run: build (folder), quick, rounds, seconds. All that was started
is stopped at the end, last first, and the folder is removed. One Park at a time: two would measure
each other.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Optional

from lab import ports, postfix
from lab.daemon import Postern, Settings
from lab.process import Process, cpu_of, cpu_of_family, family_of, pss_kb, wait_until

import messages
from report import Figure

SINK_CONNECTIONS = 2000
FULL = 0.9      # of one processor: generator and sink have one thread each
LEDGER_S = 0.22  # a little more than what Postern's scribe lets pass between two looks
TICK_S = 0.01   # of the kernel's account of processor time


class Sink:
    """smtp-sink on `port`, and how many messages it has had."""

    def __init__(self, tree: str, folder: str):
        self.port = ports.take()
        self.process = Process("smtp-sink", [postfix.program(tree, "smtp-sink"), "-u",
                                             postfix.PRIVS, "-m", str(SINK_CONNECTIONS), "-c",
                                             f"127.0.0.1:{self.port}", "1000"],
                               os.path.join(folder, "sink.out"), postfix.environment(tree))
        wait_until(self._is_up, 10, "smtp-sink listens")

    def _is_up(self) -> bool:
        if not self.process.is_running():
            raise RuntimeError(f"smtp-sink did not start, see {self.process.log}")
        return not ports.is_free(self.port)

    def count(self) -> int:
        """From the last counter on its output."""
        with open(self.process.log, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 400))
            found = re.findall(rb"mesg=(\d+)", file.read())
        return int(found[-1]) if found else 0

    def cpu_s(self) -> float:
        return cpu_of(self.process.pid).own

    def stop(self) -> None:
        self.process.stop()


@dataclass
class Target:
    """What is measured: where mail goes in (SMTP on 127.0.0.1), and whose processes it is.

    postern: set if it is one. settings: its configuration, without this run's ports and folders.
    """
    name: str
    port: int
    master: Optional[Process] = None
    postern: Optional[Postern] = None
    settings: str = ""

    def pids(self) -> list[int]:
        return family_of(self.master.pid) if self.master is not None else []

    def cpu_s(self) -> float:
        """Processor time so far of all its processes, those that have ended, too."""
        return cpu_of_family(self.pids())

    def pss_kb(self) -> int:
        """Proportional memory of all its processes now."""
        return sum(map(pss_kb, self.pids()))


class Meter:
    """The most proportional memory of a target while it runs. Looking costs processor time (each
    page of each process is counted), so no rate is taken meanwhile."""

    def __init__(self, target: Target, pause: float = 0.2):
        self.target = target
        self.pause = pause
        self.most_kb = 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        while not self.is_over.wait(self.pause):
            self.most_kb = max(self.most_kb, self.target.pss_kb())

    def end(self) -> int:
        """The peak in KB."""
        self.is_over.set()
        self.thread.join()
        self.most_kb = max(self.most_kb, self.target.pss_kb())
        return self.most_kb


@dataclass
class Run:
    """What one sending came to. Seconds: from the first connection until all were at the sink."""
    count: int
    seconds: float
    cpu_s: float     # of the target's processes, work after the last delivery included
    source_s: float  # of the load generator
    sink_s: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.count / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time of the target: ms a message, which is seconds for 1,000 messages."""
        return self.cpu_s / self.count * 1000

    @property
    def limit(self) -> str:
        """Which of the two ends had no more to give: "smtp-source", "smtp-sink" or ""."""
        if self.source_s / self.seconds > FULL:
            return "smtp-source"
        return "smtp-sink" if self.sink_s / self.seconds > FULL else ""


@dataclass
class Measured:
    """What a target came to in all rounds; peak_kb: its memory in the warm-up, by Meter."""
    target: Target
    runs: list[Run]
    peak_kb: int

    @property
    def rate(self) -> Figure:
        return Figure([run.rate for run in self.runs])

    @property
    def cpu_ms(self) -> Figure:
        return Figure([run.cpu_ms for run in self.runs])

    @property
    def limit(self) -> str:
        """The end of the line that was the limit in most runs, or ""."""
        limits = [run.limit for run in self.runs]
        return max(set(limits), key=limits.count)


@dataclass
class Load:
    """What smtp-source is told beside message, connections and count. Each recipient differs
    (-N): the same bytes to the same recipient would be taken for the same message."""
    recipients: int = 1
    arguments: list[str] = field(default_factory=list)  # more of smtp-source's options


class Park:
    """Folder, sink, messages (by name of messages.SIZES), and all that was started."""

    def __init__(self, options: Any):
        self.options = options
        self.build = os.path.abspath(options.build)
        self.tree = postfix.unpack(os.path.join(self.build, "unpacked"))
        self.folder = tempfile.mkdtemp(prefix="postern-bench-", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        self.messages = messages.write(self.folder)
        self.started: list[Any] = []
        self.settings: dict[str, str] = {}  # of each Postern started, by name: for the Section
        self.sink = self.keep(Sink(self.tree, self.folder))

    def __enter__(self) -> "Park":
        return self

    def __exit__(self, *_unused: object) -> None:
        for thing in reversed(self.started):
            thing.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self, thing: Any) -> Any:
        """Stops it (its stop()) at the end; returns it."""
        self.started.append(thing)
        return thing

    def end(self, thing: Any) -> None:
        """Stops it now."""
        self.started.remove(thing)
        thing.stop()

    def stop_target(self, target: Target) -> None:
        """Stops what the target is, now."""
        for thing in list(self.started):
            if target.master is not None and target.master in vars(thing).values():
                self.end(thing)

    def subfolder(self, name: str) -> str:
        """Where something of that name may keep its files (not made); short, for sockets."""
        return os.path.join(self.folder, re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"))

    # What can be measured

    def direct(self) -> Target:
        """Nothing between generator and sink."""
        return Target("direct", self.sink.port)

    def settings_for(self, handoff: str, looks: bool = True,
                     filters: Optional[dict[str, str]] = None) -> Settings:
        """Of a Postern on a port of its own, whose next hop is the sink; to be changed at will.

        handoff: "spool" or "relay". looks: with dissectors. filters: name to lines, none if None.
        As many workers as there are processors.
        """
        return Settings(listeners={f"inet:127.0.0.1:{ports.take()}": ""},
                        hops={f"inet:127.0.0.1:{self.sink.port}": "connections = 100"},
                        lines={"handoff": handoff, "workers": "0"}, filters=filters or {},
                        dissect={} if looks else {"enabled": "no"})

    def postern(self, name: str, settings: Settings) -> Target:
        """Starts one; mail goes in at its first inet listener. `name` is unique in this park."""
        postern = self.keep(Postern(self.build, self.subfolder(name), settings))
        postern.start(verbose=False)
        said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", postern.text())
        said = said.replace(self.folder, "FOLDER").replace(self.build, "BUILD")
        self.settings[name] = said
        port = next(int(address.rsplit(":", 1)[1]) for address in settings.listeners
                    if address.startswith("inet:"))
        return Target(name, port, postern.master, postern, said)

    def postfix(self, name: str = "Postfix, relaying", **main: str) -> Target:
        """A Postfix that only relays to the sink; `main` is added to its main.cf."""
        options = postfix.Options(port_final=self.sink.port, final_processes=100,
                                  main={"default_process_limit": "150", **main})
        instance = self.keep(postfix.Postfix(self.tree, self.subfolder(name), options))
        instance.start()
        return Target(name, instance.port_in, instance.master)

    # Sending

    def source(self, target: Target, message: messages.Message, connections: int, count: int,
               load: Optional[Load] = None) -> list[str]:
        """The load generator's command line."""
        load = load or Load()
        return [postfix.program(self.tree, "smtp-source"), "-4", "-d", "-N", "-s",
                str(connections), "-m", str(count), "-r", str(load.recipients), "-F", message.path,
                "-f", messages.SENDER, "-t", messages.RECIPIENT, *load.arguments,
                f"127.0.0.1:{target.port}"]

    def send(self, target: Target, message: messages.Message, connections: int, count: int,
             load: Optional[Load] = None) -> Run:
        """Sends `count` copies and waits until all are at the sink, then until the target rests."""
        before, cpu, sink = self.sink.count(), target.cpu_s(), self.sink.cpu_s()
        used = _children_s()
        begin = time.monotonic()
        subprocess.run(self.source(target, message, connections, count, load),
                       env=postfix.environment(self.tree), check=True, stdin=subprocess.DEVNULL,
                       timeout=600)
        source = _children_s() - used
        wait_until(lambda: self.sink.count() >= before + count, 300,
                   f"{count} messages of {target.name} at the sink", pause=0.002)
        seconds = time.monotonic() - begin
        sink = self.sink.cpu_s() - sink
        self.settle(target)
        return Run(count, seconds, target.cpu_s() - cpu, source, sink)

    def settle(self, target: Target, seconds: float = 10) -> None:
        """Waits until its processes do nothing any more: a ledger is written behind the mail."""
        pause = 0.1 if target.postern is None else LEDGER_S
        end = time.monotonic() + seconds
        before = -1.0
        while target.master is not None and time.monotonic() < end:
            now = target.cpu_s()
            if now - before <= TICK_S:
                return
            before = now
            time.sleep(pause)

    def warm_up(self, target: Target, message: messages.Message, connections: int,
                seconds: float) -> tuple[int, int]:
        """Sends some; how many messages would take about that long, and the peak memory in KB."""
        least = max(2 * connections, 40)
        run = self.send(target, message, connections, least)
        count = max(least, int(run.rate * min(seconds, 1)))
        meter = Meter(target)
        run = self.send(target, message, connections, count)
        return max(least, int(run.rate * seconds)), meter.end()

    def count_for(self, target: Target, message: messages.Message, connections: int,
                  seconds: float) -> int:
        """How many messages would take about that long, found by sending some."""
        return self.warm_up(target, message, connections, seconds)[0]

    def rounds(self, targets: list[Target], message: messages.Message, connections: int,
               seconds: list[float]) -> list[Measured]:
        """Each target (for about so many seconds) once in each of options.rounds, in turns, every
        second round backwards: what else the machine does meets all of them."""
        warm = [self.warm_up(target, message, connections, limit)
                for target, limit in zip(targets, seconds)]
        measured = [Measured(target, [], peak) for target, (_, peak) in zip(targets, warm)]
        for number in range(self.options.rounds):
            progress(f"{message.name}, {connections} connections, round {number + 1}")
            turns = list(zip(measured, warm))
            for one, (count, _) in turns if number % 2 == 0 else reversed(turns):
                one.runs.append(self.send(one.target, message, connections, count))
        return measured


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def progress(text: str) -> None:
    """One line for whoever waits; not part of what is measured."""
    print(f"  {text}", file=sys.stderr, flush=True)
