# SPDX-License-Identifier: BSD-2-Clause
"""What telling where mail is costs: the scribe, with its ledger and with Redis."""

import os
import re
import urllib.request

from lab import ports
from lab.process import cpu_of_family, wait_until
from lab.redis import PROGRAM, Redis
from report import Figure, Section
from stand import Park, Target, progress

CONNECTIONS = 20
COLUMNS = ("told to", "scribe, CPU s/1,000", "all others", "of theirs", "dropped")


class Telling:
    """One Postern's, in seconds of processor time for 1,000 messages."""

    def __init__(self, park: Park, name: str, redis: dict[str, str]):
        self.park = park
        self.http = ports.take()
        settings = park.settings_for("spool")
        settings.redis = redis
        settings.https = {f"inet:127.0.0.1:{self.http}": ""}
        self.target = park.postern(name, settings)
        self.scribe: list[float] = []
        self.others: list[float] = []

    def measure(self) -> None:
        message = self.park.messages["4 KB"]
        count = self.park.count_for(self.target, message, CONNECTIONS,
                                    self.park.options.seconds * 0.7)
        for number in range(self.park.options.rounds):
            progress(f"telling, {self.target.name}, round {number + 1}")
            before = scribe_s(self.target), self.target.cpu_s()
            self.park.send(self.target, message, CONNECTIONS, count)
            settle(self.http)
            used = scribe_s(self.target) - before[0]
            self.scribe.append(used / count * 1000)
            self.others.append((self.target.cpu_s() - before[1] - used) / count * 1000)

    def add_to(self, table: Section) -> None:
        scribe, others = Figure(self.scribe), Figure(self.others)
        table.add(self.target.name, scribe, others, scribe.over(others),
                  metric(self.http, "postern_events_dropped_total"))
        table.settings[self.target.name] = self.target.settings


def section(park: Park) -> Section:
    """The scribe's processor time for 4 KB messages, beside that of all other processes."""
    table = Section("telling", "Telling where 4 KB messages are", COLUMNS)
    tellings = {"ledger": {}}
    if os.path.exists(PROGRAM):
        redis = park.keep(Redis(park.subfolder("redis")).start())
        tellings["ledger and Redis"] = {"servers": f'{{"{redis.inet}"}}'}
    for name, servers in tellings.items():
        one = Telling(park, name, servers)
        one.measure()
        one.add_to(table)
        park.stop_target(one.target)
    return table


def scribe_s(target: Target) -> float:
    assert target.postern is not None
    return cpu_of_family([target.postern.scribe()])


def settle(http: int) -> None:
    """All that was told is in the ledger, and in Redis."""
    last = [-1.0]

    def is_quiet() -> bool:
        before, last[0] = last[0], metric(http, "postern_ledger_rows_total")
        return last[0] == before and metric(http, "postern_redis_behind") == 0
    wait_until(is_quiet, 120, "the scribe to have written all", pause=0.5)


def metric(http: int, name: str) -> float:
    """0 where there is none of that name."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{http}/metrics", timeout=10) as page:
        found = re.search(rf"(?m)^{name} (\S+)$", page.read().decode())
    return float(found.group(1)) if found else 0.0
