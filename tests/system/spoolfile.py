# SPDX-License-Identifier: BSD-2-Clause
"""Spool files read and made by a hand of its own, from the description in spool/*.h."""

import os
import re
from dataclasses import dataclass, field

import xxhash

HEAD_LEN = 64
HEAD = re.compile(rb"POSTERN 1 (\d{15}) (\d{20}) ([0-9a-f]{16})\n")
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FIRST_MS = 1577836800000  # 2020-01-01


@dataclass
class SpoolFile:
    path: str
    is_sealed: bool = False
    is_damaged: bool = False
    ident: str = ""
    envelope: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""
    events: list[str] = field(default_factory=list)  # "sent r=0 ..."

    @property
    def is_live(self) -> bool:
        """A message is in it that is not over."""
        return self.is_damaged or \
            self.is_sealed and not any(event.split()[0] == "done" for event in self.events)


def checksum(envelope: bytes, content: bytes, offset: int) -> int:
    values = []
    for part in (envelope, content):
        digest = xxhash.xxh3_128_intdigest(part)
        values += [digest >> 64, digest & (1 << 64) - 1]
    values += [offset, len(content)]
    packed = b"".join(value.to_bytes(8, "little") for value in values)
    return xxhash.xxh3_64_intdigest(packed, 1)


def journal_line(key: int, text: str) -> bytes:
    return b"%s #%016x\n" % (text.encode(), xxhash.xxh3_64_intdigest(text.encode(), key))


def journal_key(ident: str, seal: int) -> int:
    return xxhash.xxh3_64_intdigest(ident.encode(), seal)


def read_events(journal: bytes, key: int) -> list[str]:
    events = []
    for line in journal.split(b"\n"):
        found = re.fullmatch(rb"(\d+ \d+ (.*)) #([0-9a-f]{16})", line)
        if found and int(found.group(3), 16) == xxhash.xxh3_64_intdigest(found.group(1), key):
            events.append(found.group(2).decode())
    return events


def read(path: str) -> SpoolFile:
    result = SpoolFile(path)
    with open(path, "rb") as file:
        data = file.read()
    head = HEAD.match(data)
    if head is None:
        result.is_damaged = True
        return result
    offset, length, seal = int(head.group(1)), int(head.group(2)), int(head.group(3), 16)
    if offset == 0:
        return result
    envelope = data[HEAD_LEN:offset]
    result.is_sealed = True
    result.content = data[offset:offset + length]
    result.is_damaged = checksum(envelope, result.content, offset) != seal
    result.envelope = [(line.partition(" ")[0], line.partition(" ")[2])
                       for line in envelope.decode("utf-8", "replace").splitlines() if line]
    result.ident = dict(result.envelope).get("id", "")
    result.events = read_events(data[offset + length:], journal_key(result.ident, seal))
    return result


def live(spool: str, place: str = "active") -> list[SpoolFile]:
    """Files of a place with a message that is not over."""
    found = []
    for folder, _, names in os.walk(os.path.join(spool, place)):
        for name in names:
            try:
                file = read(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if file.is_live:
                found.append(file)
    return found


def make_id(now_ms: int, number: int) -> str:
    """An id of ours, of a maker that no worker is."""
    value = (now_ms - FIRST_MS) << 23 | 1000 << 13 | number
    digits = ""
    for _ in range(11):
        value, digit = divmod(value, 62)
        digits = DIGITS[digit] + digits
    return digits


def make(ident: str, recipients: list[str], content: bytes, arrived_ms: int, next_hop: str,
         events: tuple[str, ...] = ()) -> bytes:
    """A sealed file."""
    lines = [f"id {ident}", "protocol smtp", "handoff spool", "esmtp yes", "tls no",
             f"arrived {arrived_ms}", "listener test", f"next_hop {next_hop}",
             "hostname filter.postern.test", "client 127.0.0.1", "helo client.example.org",
             "from <ann@example.org>", *(f"rcpt <{path}>" for path in recipients), "", ""]
    envelope = "\n".join(lines).encode()
    offset = HEAD_LEN + len(envelope)
    seal = checksum(envelope, content, offset)
    key = journal_key(ident, seal)
    journal = b"".join(journal_line(key, f"{number} {arrived_ms} {event}")
                       for number, event in enumerate(events, 1))
    head = b"POSTERN 1 %015d %020d %016x\n" % (offset, len(content), seal)
    return head + envelope + content + journal
