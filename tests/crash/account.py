# SPDX-License-Identifier: BSD-2-Clause
"""The book in which what clients were told is held against what came of their messages.

A recipient's address is used once, so that it tells its message. What is acknowledged has to be at
the sink, in a bounce, in hold or in quarantine, once; whether a second copy may be is for the
attempt to say. What is not acknowledged may be there once: its client never heard our 250.
"""

import collections
import os
import re
import threading
from dataclasses import dataclass, field
from typing import Iterable

import spoolfile
from case import Message

OUR_ID = re.compile(rb"\(Postern\)[^;]* id ([0-9A-Za-z.]+);")
OUR_FIELD = re.compile(rb"\AReceived: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")
QUEUED = re.compile(r"queued as ([0-9A-Za-z]+)")
BOUNCED = re.compile(rb"(?im)^Final-Recipient: *[^;\r\n]*; *([^\s]+)")
RETIRED = ("sent", "bounced", "moved", "discarded")
NOWHERE = "discard"  # the fate of which nothing is left to see


@dataclass
class Offer:
    """What is known of one recipient of one message."""
    fate: str                    # what the rules make of it: sent, bounce, quarantine, hold, discard
    content: bytes
    tries: int = 0
    acknowledged: int = 0        # times its client heard a 250
    idents: set[str] = field(default_factory=set)  # that these told
    is_doubtful: bool = False    # its content had gone out when the connection was lost


@dataclass
class Copy:
    """One place where a recipient's message is."""
    where: str  # sent, bounce, hold, quarantine, active
    ident: str
    at: float = 0.0     # when it came to the sink, else 0
    queue_id: str = ""  # that the sink gave it


@dataclass
class Twice:
    recipient: str
    offer: Offer
    copies: list[Copy]

    def is_sent_again(self) -> bool:
        """The client had to come again, and each of our ids is there once."""
        idents = [copy.ident for copy in self.copies]
        return self.offer.is_doubtful and len(set(idents)) == len(idents) <= self.offer.tries


@dataclass
class Result:
    lost: list[str] = field(default_factory=list)       # recipients
    twice: list[Twice] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)    # files that nobody will take up
    torn: list[str] = field(default_factory=list)       # recipients and files with other content
    astray: list[str] = field(default_factory=list)     # recipients with an end that no rule wants

    def is_good(self) -> bool:
        """Copies that are allowed have been taken out of `twice` by the caller."""
        return not (self.lost or self.twice or self.orphans or self.torn)

    def text(self) -> str:
        twice = [f"{one.recipient}: " + ", ".join(
            f"{copy.where} {copy.ident} {copy.queue_id}" for copy in one.copies)
                 for one in self.twice]
        said = {"lost": self.lost, "twice": twice, "orphans": self.orphans, "torn": self.torn,
                "astray": self.astray}
        return "; ".join(f"{name} {', '.join(rows)}" for name, rows in said.items() if rows)


class Book:
    """Filled by clients, from any thread; read when all is quiet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.offers: dict[str, Offer] = {}

    def offer(self, recipient: str, content: bytes, fate: str = "sent") -> None:
        """Before its content is sent, each time."""
        with self.lock:
            self.offers.setdefault(recipient, Offer(fate, content)).tries += 1

    def acknowledge(self, recipient: str, reply: str) -> None:
        found = QUEUED.search(reply)
        with self.lock:
            self.offers[recipient].acknowledged += 1
            self.offers[recipient].idents |= {found.group(1)} if found else set()

    def doubt(self, recipient: str) -> None:
        """The connection was lost behind the content, without a reply."""
        with self.lock:
            self.offers[recipient].is_doubtful = True

    def unacknowledged(self) -> list[str]:
        return [path for path, offer in self.offers.items() if not offer.acknowledged]

    def check(self, messages: Iterable[Message], spool: str) -> Result:
        """messages: Sink.taken(). Where Postern will not go on by itself."""
        result = Result()
        copies: dict[str, list[Copy]] = collections.defaultdict(list)
        for message in messages:
            self._read_sink(message, copies, result)
        for place in ("active", "hold", "quarantine"):
            for file in spoolfile.live(spool, place):
                self._read_file(file, place, copies, result)
        result.orphans += files_below(os.path.join(spool, "corrupt"))
        for recipient, offer in self.offers.items():
            hold_against(recipient, offer, copies[recipient], result)
        return result

    def _read_sink(self, message: Message, copies: dict[str, list[Copy]], result: Result) -> None:
        found = OUR_ID.search(message.head)
        ident = found.group(1).decode() if found else ""
        for recipient in map(bytes.decode, message.recipients):
            offer = self.offers.get(recipient)
            if offer is None:
                continue
            copies[recipient].append(Copy("sent", ident, message.at, queue_id(message)))
            if OUR_FIELD.sub(b"", message.content, 1) != offer.content:
                result.torn.append(recipient)
        if message.sender == b"":
            for path in BOUNCED.findall(message.content):
                copies[path.decode()].append(Copy("bounce", ident, message.at, queue_id(message)))

    def _read_file(self, file: spoolfile.SpoolFile, place: str,
                   copies: dict[str, list[Copy]], result: Result) -> None:
        if file.is_damaged:
            result.torn.append(file.path)
            return
        if place == "active":
            result.orphans.append(file.path)
        for recipient in open_recipients(file):
            offer = self.offers.get(recipient)
            if offer is None:
                continue
            copies[recipient].append(Copy(place, file.ident))
            if file.content != offer.content:
                result.torn.append(recipient)


def queue_id(message: Message) -> str:
    found = QUEUED.search(message.answered)
    return found.group(1) if found else ""


def hold_against(recipient: str, offer: Offer, copies: list[Copy], result: Result) -> None:
    if offer.acknowledged and not copies and offer.fate != NOWHERE:
        result.lost.append(recipient)
    if len(copies) > 1:
        result.twice.append(Twice(recipient, offer, copies))
    if any(copy.where not in (offer.fate, "active") for copy in copies):
        result.astray.append(recipient)


def open_recipients(file: spoolfile.SpoolFile) -> list[str]:
    """Those whom no line of its journal has retired."""
    paths = [value.split(">")[0].lstrip("<") for key, value in file.envelope if key == "rcpt"]
    retired: set[int] = set()
    for event in file.events:
        name, *fields = event.split()
        if name in RETIRED:
            retired |= numbers(dict(one.partition("=")[::2] for one in fields).get("r", ""))
    return [path for number, path in enumerate(paths) if number not in retired]


def numbers(ranges: str) -> set[int]:
    """0-2,5: 0, 1, 2, 5"""
    found: set[int] = set()
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def files_below(folder: str) -> list[str]:
    return [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]
