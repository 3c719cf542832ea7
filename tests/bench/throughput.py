# SPDX-License-Identifier: BSD-2-Clause
"""Messages a second from generator to sink, beside nothing, a relaying Postfix and other filters.

All in one run, taking turns: ratios are of the same round. With scanners, beside what they do
alone. What telling and looking cost stands in parts.py.
"""

from argparse import Namespace
from typing import Optional

import parts
import peers
from report import Figure, Mark, Section
from stand import Measured, Park, Target, progress

CONNECTIONS = 20
# By size: of direct for spool and relay, times Postfix for spool, CPU seconds for 1,000 messages.
LIMITS = {"4 KB": (0.45, 0.50, 6, 0.25), "50 KB": (0.45, 0.50, 4, 0.4),
          "1 MB": (0.60, 0.60, 1.3, 4)}
SCANNING = 0.9  # of what the slower scanner does alone

COLUMNS = ("way", "messages/s", "of direct", "times Postfix", "CPU s/1,000", "PSS, MB")
ENDS_NOTE = "{} was the limit of {} itself: it used all of a processor."
PEERS_NOTE = "Not installed, so not measured: {}."


def run(options: Namespace) -> list[Section]:
    with Park(options) as park:
        clamd, rspamd = peers.clamd(park), peers.rspamd(park)
        main = [park.direct(), park.postern("spool", park.settings_for("spool")),
                park.postern("relay", park.settings_for("relay")), park.postfix()]
        others = {"amavis, all bypassed": peers.amavis(park, False),
                  "amavis, decoding MIME": peers.amavis(park, True),
                  "clamsmtp": peers.clamsmtp(park, clamd)}
        sections = [size_section(park, size, main, others) for size in LIMITS]
        sections[0].settings = dict(park.settings)
        for other in filter(None, others.values()):
            park.stop_target(other)
        sections.append(connections_section(park, main))
        if clamd is not None and rspamd is not None:
            sections.append(Scanners(park, clamd, rspamd).section())
        sections += parts.sections(park)
    return sections


# The table of a size

def size_section(park: Park, size: str, main: list[Target],
                 others: dict[str, Optional[Target]]) -> Section:
    """main: direct, spool, relay, Postfix. The others get half the time: nothing depends on it."""
    section = Section(f"throughput-{slug(size)}", f"{size}, {CONNECTIONS} connections", COLUMNS)
    present = [other for other in others.values() if other is not None]
    seconds = park.options.seconds
    measured = park.rounds(main + present, park.messages[size], CONNECTIONS,
                           [seconds * 0.8] * len(main) + [seconds * 0.4] * len(present))
    add_rows(section, measured, main[-1])
    add_marks(section, size, measured)
    missing = [name for name, other in others.items() if other is None]
    if missing:
        section.notes.append(PEERS_NOTE.format(", ".join(missing)))
    return section


def add_rows(section: Section, measured: list[Measured], postfix: Target) -> None:
    direct = measured[0].rate
    relaying = next(one.rate for one in measured if one.target is postfix)
    for one in measured:
        is_direct = one is measured[0]
        section.add(one.target.name, one.rate, one.rate.over(direct), one.rate.over(relaying),
                    "-" if is_direct else one.cpu_ms, "-" if is_direct else one.peak_kb / 1024)
        if one.limit:
            section.notes.append(ENDS_NOTE.format(one.limit, one.target.name))


def add_marks(section: Section, size: str, measured: list[Measured]) -> None:
    direct, spool, relay, relaying = (one.rate for one in measured[:4])
    of_spool, of_relay, times, cpu = LIMITS[size]
    section.marks = [
        Mark(f"{size}: spool, of direct", spool.over(direct), of_spool, "at least"),
        Mark(f"{size}: relay, of direct", relay.over(direct), of_relay, "at least"),
        Mark(f"{size}: spool, against Postfix", spool.over(relaying), times, "at least", "times"),
        *(Mark(f"{size}: {one.target.name}, CPU for 1,000 messages", one.cpu_ms, cpu, "at most",
               "s") for one in measured[1:3])]


# Other numbers of connections

def connections_section(park: Park, main: list[Target]) -> Section:
    section = Section("throughput-connections", "4 KB, other numbers of connections",
                      ("connections", *COLUMNS[:-1]))
    for connections in (1, 100):
        measured = park.rounds(main, park.messages["4 KB"], connections,
                               [park.options.seconds * 0.4] * len(main))
        for one in measured:
            section.add(connections, one.target.name, one.rate, one.rate.over(measured[0].rate),
                        one.rate.over(measured[-1].rate),
                        "-" if one is measured[0] else one.cpu_ms)
    return section


# With scanners

class Scanners:
    """Postern with clamd and rspamd, and each of them alone, taking turns."""

    def __init__(self, park: Park, clamd: peers.Clamd, rspamd: peers.Rspamd):
        self.park = park
        self.scanners = [clamd, rspamd]
        asks = {"clamav": f'type = clamd  servers = {{"{clamd.unix}"}}',
                "rspamd": f'type = rspamd  servers = {{"{rspamd.inet}"}}'}
        name = "spool, clamd and rspamd"
        self.postern = park.postern(name, park.settings_for("spool", filters=asks))
        self.seconds = park.options.seconds * 0.6

    def section(self) -> Section:
        section = Section("throughput-scanners", f"clamd and rspamd on, {CONNECTIONS} connections",
                          ("size", "spool with both, messages/s", "clamd alone", "rspamd alone",
                           "both at once, alone", "CPU s/1,000 without the scanners'"))
        for size in LIMITS:
            self._size(section, size)
        section.settings = {self.postern.name: self.postern.settings}
        section.notes.append(
            "Alone: asked as Postern asks, by as many threads as there are connections, the same "
            "bytes; both at once: each message to both of them, which is what two processors can "
            "do for both together. clamd has one signature and no cache, rspamd no modules, one "
            "worker: real ones are slower, and Postern's part is smaller beside them.")
        return section

    def _size(self, section: Section, size: str) -> None:
        park, message = self.park, self.park.messages[size]
        ways = [self.scanners[:1], self.scanners[1:], self.scanners]
        counts = [self._count(way, size) for way in ways]
        own_count = park.count_for(self.postern, message, CONNECTIONS, self.seconds)
        runs, alone = [], [[] for _ in ways]
        for number in range(park.options.rounds):
            progress(f"{size} with scanners, round {number + 1}")
            runs.append(park.send(self.postern, message, CONNECTIONS, own_count))
            for at, way in enumerate(ways):
                alone[at].append(peers.press(park, way, message, CONNECTIONS, counts[at]))
        rate = Figure([run.rate for run in runs])
        clamd, rspamd, both = map(Figure, alone)
        section.add(size, rate, clamd, rspamd, both, Figure([run.cpu_ms for run in runs]))
        slower = min(clamd, rspamd, key=lambda figure: figure.median)
        section.marks.append(Mark(f"{size}: with clamd and rspamd, of the slower alone",
                                  rate.over(slower), SCANNING, "at least"))

    def _count(self, way: list[peers.Neighbour], size: str) -> int:
        least = 2 * CONNECTIONS
        rate = peers.press(self.park, way, self.park.messages[size], CONNECTIONS, least)
        return max(least, int(rate * self.seconds))


def slug(size: str) -> str:
    return size.lower().replace(" ", "-")
