# SPDX-License-Identifier: BSD-2-Clause
"""Postfix -> Postern -> Postfix -> sink, and Postfix -> Postfix -> sink: the same two queues, services
and limits, with nothing between them. Both are set up by `postern setup-postfix --apply`."""

import os
import pwd
from argparse import Namespace
from dataclasses import dataclass, field
from typing import Optional

import messages
from lab import ports, postfix
from lab.daemon import USER, Postern, Settings
from lab.process import cpu_of_family, family_of
from report import Cell, Figure, Mark, Section
from stand import Park, Target, progress

CONNECTIONS = 20
COUNTS = {"4 KB": 600, "50 KB": 300}  # of a run: fewer would measure how processes are started
HANDOFFS, PROTOCOLS = ("spool", "relay"), ("smtp", "lmtp")
LEAST = 0.85
NONE = "no filter"


@dataclass
class Way(Target):
    """A Postfix with two queues; `postern` is None where nothing stands between them."""
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)   # of all
    ours_ms: list[float] = field(default_factory=list)  # of Postern alone

    def pids(self) -> list[int]:
        return super().pids() + self.our_pids()

    def our_pids(self) -> list[int]:
        return family_of(self.postern.pid) if self.postern is not None else []

    def forget(self) -> None:
        self.rates, self.cpu_ms, self.ours_ms = [], [], []

    def measure(self, park: Park, message: messages.Message, count: int) -> None:
        ours = cpu_of_family(self.our_pids())
        run = park.send(self, message, CONNECTIONS, count)
        self.rates.append(run.rate)
        self.cpu_ms.append(run.cpu_ms)
        self.ours_ms.append((cpu_of_family(self.our_pids()) - ours) / count * 1000)


def listener(instance: postfix.Postfix, protocol: str) -> str:
    """Its address; LMTP is spoken over a UNIX socket below Postfix's queue."""
    if protocol == "smtp":
        return f"inet:127.0.0.1:{ports.take()}"
    folder = os.path.join(instance.queue, "postern")
    os.makedirs(folder)
    os.chown(folder, pwd.getpwnam(USER).pw_uid, -1)
    return f"unix:{folder}/lmtp.sock"


def make(park: Park, handoff: Optional[str] = None, protocol: str = "smtp") -> Way:
    """handoff None: the content filter is the way back itself."""
    name = f"{handoff}, {protocol}" if handoff else NONE
    instance = postfix.Postfix(park.tree, park.subfolder("postfix " + name),
                               postfix.Options(port_final=park.sink.port))
    instance.write_configuration()
    settings = Settings(
        listeners={listener(instance, protocol): 'mode = "0666"' if protocol == "lmtp" else ""},
        hops={f"inet:127.0.0.1:{instance.port_reinject}": ""},
        lines={"handoff": handoff or "spool", "workers": "0"})
    postern = Postern(park.build, park.subfolder("postern " + name), settings)
    postern.write_configuration()
    postern.extra_env = postfix.command_environment(park.tree)
    done = postern.tool("setup-postfix", "--apply", "-c", instance.conf)
    assert done.returncode == 0, done.stderr
    if handoff is None:
        instance.run("postconf", "-e",
                     f"content_filter=postern:[127.0.0.1]:{instance.port_reinject}")
    park.keep(instance).launch()
    if handoff is None:
        return Way(name, instance.port_in, instance.master)
    park.keep(postern).start(verbose=False)
    return Way(name, instance.port_in, instance.master, postern)


def compare(park: Park, ways: list[Way], size: str) -> Section:
    """All ways take turns in each round; the first one has no filter."""
    section = Section(f"endtoend-{size.lower().replace(' ', '-')}",
                      f"Through two queues of Postfix, {size}, {CONNECTIONS} connections",
                      ("between the queues", "messages/s", f"of {NONE}", "CPU ms a message",
                       "of it Postern"))
    message = park.messages[size]
    count = COUNTS[size] // (4 if park.options.quick else 1)
    for way in ways:
        park.send(way, message, CONNECTIONS, count)
        way.forget()
    for number in range(park.options.rounds):
        progress(f"end to end, {size}, round {number + 1}")
        for way in ways if number % 2 == 0 else reversed(ways):
            way.measure(park, message, count)
    without = Figure(ways[0].rates)
    for way in ways:
        ratio = Figure(way.rates).over(without)
        has_filter = way.postern is not None
        ours: list[Cell] = [ratio, Figure(way.cpu_ms), Figure(way.ours_ms)] if has_filter else \
            ["-", Figure(way.cpu_ms), "-"]
        section.add(way.name, Figure(way.rates), *ours)
        if has_filter:
            section.marks.append(Mark(f"{way.name}, of {NONE}, {size}", ratio, LEAST, "at least"))
    section.notes.append("Both queues, generator and sink share one machine and one disk. All ways "
                         "are set up by `postern setup-postfix --apply` (README has the lines); "
                         f"with {NONE}, Postfix's content filter is its own second smtpd.")
    return section


def run(options: Namespace) -> list[Section]:
    with Park(options) as park:
        ways = [make(park)] + [make(park, handoff, protocol) for handoff in HANDOFFS
                               for protocol in PROTOCOLS]
        return [compare(park, ways, size) for size in COUNTS]
