# SPDX-License-Identifier: BSD-2-Clause
"""What two parts of the work cost: telling (ledger, Redis) and looking into messages."""

import json
import os
import re
import subprocess
import time
import urllib.request

from lab import ports
from lab.process import cpu_of_family, wait_until
from lab.redis import PROGRAM, Redis
from report import Figure, Section
from stand import Park, Target, progress

CONNECTIONS = 20
TELLING_COLUMNS = ("told to", "scribe, CPU s/1,000", "all others", "of theirs",
                   "until all is written, s", "dropped")


def sections(park: Park) -> list[Section]:
    return [telling(park), *dissection(park.build)]


# Telling

class Telling:
    """One Postern's; in seconds of processor time for 1,000 messages, but lag: seconds."""

    def __init__(self, park: Park, name: str, redis: dict[str, str]):
        self.park = park
        self.http = ports.take()
        settings = park.settings_for("spool")
        settings.redis = redis
        settings.https = {f"inet:127.0.0.1:{self.http}": ""}
        self.target = park.postern(name, settings)
        self.scribe: list[float] = []
        self.others: list[float] = []
        self.lag: list[float] = []

    def measure(self) -> None:
        message = self.park.messages["4 KB"]
        count = self.park.count_for(self.target, message, CONNECTIONS,
                                    self.park.options.seconds * 0.8)
        for number in range(self.park.options.rounds):
            progress(f"telling, {self.target.name}, round {number + 1}")
            settle(self.http)
            before = scribe_s(self.target), self.target.cpu_s()
            self.park.send(self.target, message, CONNECTIONS, count)
            begin = time.monotonic()
            settle(self.http)
            self.lag.append(time.monotonic() - begin)
            used = scribe_s(self.target) - before[0]
            self.scribe.append(used / count * 1000)
            self.others.append((self.target.cpu_s() - before[1] - used) / count * 1000)

    def add_to(self, section: Section) -> None:
        scribe, others = Figure(self.scribe), Figure(self.others)
        section.add(self.target.name, scribe, others, scribe.over(others), Figure(self.lag),
                    metric(self.http, "postern_events_dropped_total"))
        section.settings[self.target.name] = self.target.settings


def telling(park: Park) -> Section:
    """The scribe's processor time for 4 KB messages, beside that of all other processes."""
    section = Section("telling", "Telling where 4 KB messages are", TELLING_COLUMNS)
    tellings = {"ledger": {}}
    if os.path.exists(PROGRAM):
        redis = park.keep(Redis(park.subfolder("redis")).start())
        tellings["ledger and Redis"] = {"servers": f'{{"{redis.inet}"}}'}
    for name, servers in tellings.items():
        one = Telling(park, name, servers)
        one.measure()
        one.add_to(section)
        park.stop_target(one.target)
    return section


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


# Looking

def dissection(build: str) -> list[Section]:
    """What tests/bench/dissect says, a row a size of message; nothing where it was not built."""
    program = os.path.join(build, "tests", "bench", "dissect")
    if not os.path.exists(program):
        return []
    progress("looking into messages")
    done = subprocess.run([program, "--json"], check=True, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    sizes = [json.loads(line) for line in done.stdout.splitlines()]
    works = [key for key in sizes[0] if key.endswith("_ns")]
    section = Section("dissection", "Looking into a message with an attachment, CPU s/1,000",
                      ("size", *(work.removesuffix("_ns") for work in works), "all"))
    for size in sizes:
        spent = [size[work] / 1e6 for work in works]
        section.add(size["size"], *spent, sum(spent))
    return [section]
