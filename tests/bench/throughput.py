# SPDX-License-Identifier: BSD-2-Clause
"""Messages a second from generator to sink, beside nothing, a relaying Postfix and other filters.

All in one run, taking turns: ratios are of the same round. With scanners, beside what they do
alone; and what telling costs.
"""

from argparse import Namespace
from typing import Optional, Sequence, Union

import peers
import telling
from report import Figure, Mark, Section
from stand import Measured, Park, Run, Target, progress

CONNECTIONS = 20
# By size: of direct for spool and relay, times Postfix for spool, CPU seconds for 1,000 messages.
LIMITS = {"4 KB": (0.45, 0.50, 6, 0.25), "50 KB": (0.45, 0.50, 4, 0.4),
          "1 MB": (0.60, 0.60, 1.3, 4)}
SCANNING = 0.9  # of what the slower scanner does alone

COLUMNS = ("way", "messages/s", "of direct", "times Postfix", "CPU s/1,000", "PSS, MB")
ENDS_NOTE = "{} was the limit of {} itself: it used all of a processor."
SCANNERS_NOTE = (
    "Alone: asked as Postern asks, by as many threads as there are connections, the same bytes; "
    "both at once: each message to both of them, which is what the processors can do for both "
    "together. clamd has one signature and no cache, rspamd no modules and one worker: real ones "
    "are slower, and Postern's part is smaller beside them.")
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
        sections.append(scanners_section(park, clamd, rspamd))
        sections.append(telling.section(park))
    return sections


# The table of a size

def slug(size: str) -> str:
    return size.lower().replace(" ", "-")


def size_section(park: Park, size: str, main: list[Target],
                 others: dict[str, Optional[Target]]) -> Section:
    """main: direct, spool, relay, Postfix. The others get less time: no mark depends on them."""
    section = Section(f"throughput-{slug(size)}", f"{size}, {CONNECTIONS} connections", COLUMNS)
    present = [other for other in others.values() if other is not None]
    seconds = park.options.seconds
    measured = park.rounds(main + present, park.messages[size], CONNECTIONS,
                           [seconds * 0.7] * len(main) + [seconds * 0.3] * len(present))
    add_rows(section, measured, main[-1])
    add_marks(section, size, measured)
    missing = [name for name, other in others.items() if other is None]
    if missing:
        section.notes.append(PEERS_NOTE.format("; ".join(missing)))
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

class Alone:
    """Scanners driven directly: all of `way` at once, with each message."""

    def __init__(self, park: Park, way: list[peers.Neighbour], size: str, seconds: float):
        self.park = park
        self.way = way
        self.message = park.messages[size]
        self.rates: list[float] = []
        least = 2 * CONNECTIONS
        self.count = max(least, int(self._rate(least) * seconds))

    def _rate(self, count: int) -> float:
        return peers.press(self.park, self.way, self.message, CONNECTIONS, count)

    def measure(self) -> None:
        self.rates.append(self._rate(self.count))


class Between:
    """A Postern that asks both of them."""

    def __init__(self, park: Park, target: Target, size: str, seconds: float):
        self.park = park
        self.target = target
        self.message = park.messages[size]
        self.runs: list[Run] = []
        self.count = park.count_for(target, self.message, CONNECTIONS, seconds)

    def measure(self) -> None:
        self.runs.append(self.park.send(self.target, self.message, CONNECTIONS, self.count))


def scanners_section(park: Park, clamd: Optional[peers.Clamd],
                     rspamd: Optional[peers.Rspamd]) -> Section:
    section = Section("throughput-scanners", f"clamd and rspamd on, {CONNECTIONS} connections",
                      ("size", "spool with both, messages/s", "clamd alone", "rspamd alone",
                       "both at once, alone", "CPU s/1,000 without the scanners'"))
    if clamd is None or rspamd is None:
        section.notes.append(PEERS_NOTE.format("clamd" if clamd is None else "rspamd"))
        return section
    asks = {"clamav": f'type = clamd  servers = {{"{clamd.unix}"}}',
            "rspamd": f'type = rspamd  servers = {{"{rspamd.inet}"}}'}
    postern = park.postern("spool, clamd and rspamd", park.settings_for("spool", filters=asks))
    seconds = park.options.seconds * 0.4
    for size in LIMITS:
        between = Between(park, postern, size, seconds)
        alone = [Alone(park, way, size, seconds) for way in ([clamd], [rspamd], [clamd, rspamd])]
        take_turns(park, size, [between, *alone])
        add_scanned(section, size, between, alone)
    section.settings = {postern.name: postern.settings}
    section.notes.append(SCANNERS_NOTE)
    return section


def take_turns(park: Park, size: str, ways: Sequence[Union[Between, Alone]]) -> None:
    for number in range(park.options.rounds):
        progress(f"{size} with scanners, round {number + 1}")
        for way in ways if number % 2 == 0 else reversed(ways):
            way.measure()


def add_scanned(section: Section, size: str, between: Between, alone: list[Alone]) -> None:
    rate = Figure([one.rate for one in between.runs])
    clamd, rspamd, both = (Figure(one.rates) for one in alone)
    section.add(size, rate, clamd, rspamd, both, Figure([one.cpu_ms for one in between.runs]))
    slower = min(clamd, rspamd, key=lambda figure: figure.median)
    section.marks.append(Mark(f"{size}: with clamd and rspamd, of the slower alone",
                              rate.over(slower), SCANNING, "at least"))
