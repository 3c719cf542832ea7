# SPDX-License-Identifier: BSD-2-Clause
"""What Postfix's log says of each message, and what ledger, trace and Redis have to say then."""

import collections
import json
import re
import time
from dataclasses import dataclass, field
from typing import Iterable, Optional

from case import Case, Postern, Settings, Sink, wait_until
from killing import ours_of
from lab.client import Address, Client
from lab.process import status_number
from lab.redis import Redis
from lab.stand import Stand
from load import Load

IDENT = r"\]: ([0-9A-Za-z]+): "
CLEANUP = re.compile(r"/cleanup\[\d+" + IDENT + r"message-id=<([^>]*)>")
REINJECTED = re.compile(r"/reinject/smtpd\[\d+" + IDENT + "client=")
DELIVERED = re.compile(r"/\w+\[\d+" + IDENT + r"to=<([^>]*)>, (?:orig_to=<([^>]*)>, )?.*?"
                       r"dsn=([\d.]+), status=(\w+) \(")
EXPIRED = re.compile(r"/qmgr\[\d+" + IDENT + r"from=<[^>]*>, status=expired, ")

AWAY = "desk@ok.example"
RULES = {
    "keep": 'to = "keep.example"  action = quarantine  reason = "kept"',
    "drop": 'to = "drop.example"  action = discard',
    "refuse": 'to = "refuse.example"  action = reject',
    "stay": 'to = "stay.example"  action = hold',
    "away": f'to = "away.example"  action = redirect  redirect = "{AWAY}"',
}
# What becomes of whom, by domain: half by the rules, half by what Postfix's last hop says.
# BACK: who goes back to Postfix.
STATUS = {"ok.example": "sent", "later.example": "deferred", "never.example": "bounced",
          "keep.example": "quarantined", "drop.example": "discarded", "refuse.example": "bounced",
          "stay.example": "held", "away.example": "sent"}
BACK = {"ok.example", "later.example", "never.example", "away.example"}

# In this order the first that applies to anybody is a message's, before what is over.
UNDER_WAY = ["filtering", "deferred", "held", "reinjected"]


def domain_of(path: str) -> str:
    return path.partition("@")[2]


def answer(path: bytes) -> str:
    if path.endswith(b"@later.example"):
        return "451 4.3.0 come again"
    return "550 5.1.1 unknown" if path.endswith(b"@never.example") else "250 2.1.5 Ok"


def joined(statuses: Iterable[str]) -> str:
    """A message's status, of its recipients'."""
    found = set(statuses)
    for status in UNDER_WAY:
        if status in found:
            return status
    return found.pop() if len(found) == 1 else "partial"


@dataclass
class Delivery:
    """The last word on one recipient of one queue id."""
    status: str
    dsn: str


@dataclass
class Passage:
    """One message, by its Message-ID."""
    ids_in: set[str] = field(default_factory=set)
    ids_out: set[str] = field(default_factory=set)
    deliveries: dict[tuple[str, str], Delivery] = field(default_factory=dict)  # (id out, path)


class PostfixLog:
    def __init__(self, text: str):
        self.passages: dict[str, Passage] = collections.defaultdict(Passage)
        out = set(REINJECTED.findall(text))
        owner: dict[str, Passage] = {}
        for ident, message_id in CLEANUP.findall(text):
            passage = self.passages[message_id]
            (passage.ids_out if ident in out else passage.ids_in).add(ident)
            owner[ident] = passage
        for line in text.splitlines():
            self._take(line, owner)

    @staticmethod
    def _take(line: str, owner: dict[str, Passage]) -> None:
        delivered, expired = DELIVERED.search(line), EXPIRED.search(line)
        if delivered is not None and delivered.group(1) in owner:
            ident, path, _, dsn, status = delivered.groups()
            owner[ident].deliveries[ident, path] = Delivery(status, dsn)
        if expired is not None and expired.group(1) in owner:
            passage = owner[expired.group(1)]
            for (ident, path), delivery in passage.deliveries.items():
                if ident == expired.group(1) and delivery.status == "deferred":
                    passage.deliveries[ident, path] = Delivery("expired", delivery.dsn)


@dataclass
class Sent:
    """What was handed to Postfix: whose status becomes what."""
    message_id: str
    expected: dict[str, str]


class Mail(Load):
    """Messages as listed, each once."""

    def __init__(self, address: Address, sent: list[Sent], threads: int = 4):
        super().__init__(address, len(sent), threads)
        self.sent = sent

    def _one(self, client: Client, path: str) -> None:
        sent = self.sent[int(path[1:].partition("@")[0])]
        reply, = client.send("ann@example.org", list(sent.expected), content_of(sent))
        assert reply.code == 250, reply


def content_of(sent: Sent) -> bytes:
    lines = ["From: ann@example.org", "To: all@example.com", f"Subject: {sent.message_id}",
             f"Message-ID: <{sent.message_id}>", "", "Hello.", ""]
    return "\r\n".join(lines).encode()


def traces(postern: Postern, ids: list[str], at_once: int = 100) -> list[dict]:
    """What `postern trace` says of all of them; those that it does not know are left out. The
    ledger may just be begun."""
    found = []
    for first in range(0, len(ids), at_once):
        done = postern.tool("--json", "trace", *ids[first:first + at_once], check=False)
        assert done.returncode in (0, 1, 74), done
        found += [json.loads(line) for line in done.stdout.splitlines()]
    return found


def stats(postern: Postern) -> Optional[dict]:
    done = postern.tool("--json", "stats", check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


class Told(Case):
    """Everything that tells, between two halves of Postfix."""

    def told_stand(self, **main_cf: str) -> Stand:
        stand = self.stand(is_told=True, main=main_cf, settings=Settings(rules=dict(RULES)))
        stand.sink.script.rcpt = answer
        return stand


class Standstill(Case):
    """Redis stands still while mail flows: it flows as fast, and Redis has all afterwards."""

    resident_max_kb = 700_000  # what a sanitizer keeps back included
    least_ratio = 0.2  # other tests run beside it; were mail to wait for Redis, it would be 0

    def stopped_under_load(self, seconds: float) -> None:
        redis = Redis(self.path("redis")).start()
        self.addCleanup(redis.stop)
        sink: Sink = self.sink()
        postern = self.between(sink, redis={"servers": f'{{"{redis.inet}"}}'})
        load = Load(postern.ports[0], 100, goes_on=True).start()
        wait_until(lambda: len(sink.taken()) >= 100, 60, "mail to flow")
        resident = status_number(postern.scribe(), "VmRSS")

        def rate(seconds: float) -> float:
            before, begin = len(sink.taken()), time.monotonic()
            time.sleep(seconds)
            return (len(sink.taken()) - before) / (time.monotonic() - begin)
        rates = [rate(seconds / 2)]
        redis.pause()
        rates.append(rate(seconds))
        redis.go_on()
        rates.append(rate(seconds / 2))
        load.finish()
        ratio = rates[1] / ((rates[0] + rates[2]) / 2)
        grown = status_number(postern.scribe(), "VmHWM") - resident
        print(f"messages a second with Redis, without, with: {rates[0]:.0f}, {rates[1]:.0f}, "
              f"{rates[2]:.0f}; ratio {ratio:.2f}; the scribe grew by {grown} KB")
        self.assertGreater(ratio, self.least_ratio)
        self.assertLess(status_number(postern.scribe(), "VmHWM"), self.resident_max_kb)
        self.check_all_keys(redis, sink, load)

    def check_all_keys(self, redis: Redis, sink: Sink, load: Load) -> None:
        wait_until(lambda: len(sink.taken()) >= load.count, 60, "all mail to arrive")
        keys = [f"postern:msg:{ours_of(message.content)}" for message in sink.taken()]

        def missing() -> list[str]:
            statuses = redis.commands([("HGET", key, "status") for key in keys])
            return [key for key, status in zip(keys, statuses) if status != "reinjected"]
        try:
            wait_until(lambda: not missing(), 60, "all keys", pause=0.5)
        except AssertionError:
            pass
        self.assertEqual(missing()[:5], [], f"of {len(keys)} keys")
