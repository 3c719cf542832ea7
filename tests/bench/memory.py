# SPDX-License-Identifier: BSD-2-Clause
"""What all processes of a Postern hold, proportionally: at work, with many connections, and with
a long queue."""

import os
import time
from argparse import Namespace

import messages
import release_start
from case import message
from lab import ports
from lab.client import Client
from lab.daemon import Settings
from report import Figure, Mark, Section
from stand import Meter, Park, Target, progress

CONNECTIONS, CROWD = 20, 1000
COUNTS = {"4 KB": 6000, "50 KB": 3000, "1 MB": 300, "90 MB": 20}
LARGE = 90 << 20
BEGUN = {"idle": 0, "2 KB into a message": 2 << 10, "50 KB into a message": 50 << 10,
         "500 KB into a message": 500 << 10}
LINE = b"x" * 70 + b"\r\n"
LIMIT_MB, LIMIT_CROWD_MB, LIMIT_QUEUE_MB, LIMIT_START_S = 40, 120, 200, 10


def megabytes(kilobytes: int) -> Figure:
    return Figure([kilobytes / 1024])


def settled_kb(target: Target, seconds: float = 20) -> int:
    """Once it does not change any more."""
    end = time.monotonic() + seconds
    before = -1
    while time.monotonic() < end:
        now = target.pss_kb()
        if abs(now - before) < 256:
            return now
        before = now
        time.sleep(0.3)
    return before


def settings_for(park: Park, way: str) -> Settings:
    """With as many connections to the next hop as there are by default."""
    settings = park.settings_for(way)
    settings.hops = dict.fromkeys(settings.hops, "")
    return settings


# At work

def large_message(park: Park) -> messages.Message:
    content = messages.make(LARGE)
    path = os.path.join(park.folder, "large")
    with open(path, "wb") as file:
        file.write(content.replace(b"\r\n", b"\n"))
    return messages.Message("90 MB", LARGE, b"", path)


def at_work(park: Park) -> Section:
    section = Section("memory-work", f"{CONNECTIONS} connections: most of all processes together",
                      ("size", "way", "MB"), settings=park.settings)
    sent = {**park.messages, "90 MB": large_message(park)}
    most: dict[str, int] = dict.fromkeys(sent, 0)
    for way in ("spool", "relay"):
        for size, message in sent.items():
            progress(f"memory, {way}, {size}")
            target = park.postern(f"{way} {size}", settings_for(park, way))  # fresh
            count = max(COUNTS[size] // (10 if park.options.quick else 1), CONNECTIONS)
            meter = Meter(target, 0.1)
            park.send(target, message, CONNECTIONS, count)
            used = meter.end()
            most[size] = max(most[size], used)
            section.add(size, way, megabytes(used))
            park.end(target.postern)
    section.notes.append("A large message is mapped and decoded in pieces while it is looked "
                         "into, but for archives, attachments of unknown type and encoded texts, "
                         "which are decoded as a whole. Above 1 MB each worker has 8 MB of messages "
                         "looked into at once, or a single one that is larger.")
    postfix = park.postfix()
    for size, message in park.messages.items():
        meter = Meter(postfix, 0.1)
        park.send(postfix, message, CONNECTIONS, COUNTS[size] // 10)
        section.add(size, "Postfix, relaying", megabytes(meter.end()))
    section.marks = [Mark(f"{size} messages over {CONNECTIONS} connections", megabytes(used),
                          LIMIT_MB, "at most", "MB") for size, used in most.items()]
    return section


# Many connections

def crowded(park: Park) -> Section:
    section = Section("memory-crowd", f"{CROWD:,} open connections", ("each", "way", "MB"),
                      settings=park.settings)
    for way in ("spool", "relay"):
        target = park.postern(f"{way}, crowd", settings_for(park, way))
        for what, begun in BEGUN.items():
            progress(f"memory, {way}, {CROWD} connections, {what}")
            used = with_crowd(target, begun)
            section.add(what, way, megabytes(used))
            section.marks.append(Mark(f"{CROWD:,} connections over {way}, {what}", megabytes(used),
                                      LIMIT_CROWD_MB, "at most", "MB"))
        park.end(target.postern)
    return section


def with_crowd(target: Target, begun: int) -> int:
    """KB while all connections are open and have sent that much of a message."""
    clients: list[Client] = []
    try:
        for number in range(CROWD):
            clients.append(Client(target.port))
            if begun:
                begin_message(clients[-1], number, begun)
        return settled_kb(target)
    finally:
        for client in clients:
            client.close()


def begin_message(client: Client, number: int, begun: int) -> None:
    client.envelope(messages.SENDER, [f"n{number}@example.com"])
    client.expect(3, "DATA")
    client.write(LINE * (begun // len(LINE)))


# A long queue

def queued(park: Park) -> Section:
    count = release_start.COUNT
    section = Section("memory-queue", f"{count:,} messages wait for a next hop that is dead",
                      ("", ""), settings=park.settings)
    settings = park.settings_for("spool")
    settings.hops = {f"inet:127.0.0.1:{ports.take()}": 'name = "sink"'}
    settings.spool = {"max_messages": "1000000"}
    target = park.postern("queue", settings)
    postern = target.postern
    assert postern is not None
    postern.stop()
    progress(f"memory, {count} messages are made")
    release_start.fill(postern.spool, count)
    begin = time.monotonic()
    postern.start(seconds=60, verbose=False)
    with Client(target.port) as client:
        reply, = client.send(messages.SENDER, [messages.RECIPIENT], message())
    took = time.monotonic() - begin
    assert reply.code == 250, reply
    target.master = postern.master
    release_start.wait_for_waiting(postern, count)
    used = settled_kb(target, 60)
    section.add("first 250 after, s", Figure([took]))
    section.add("all processes, MB", megabytes(used))
    section.add("bytes a message", Figure([used * 1024 / count]))
    section.marks = [Mark("all processes", megabytes(used), LIMIT_QUEUE_MB, "at most", "MB"),
                     Mark("from the start to the first 250", Figure([took]), LIMIT_START_S,
                          "at most", "s")]
    park.end(postern)
    return section


def run(options: Namespace) -> list[Section]:
    sections = []
    for part in (at_work, crowded, queued):
        with Park(options) as park:
            sections.append(part(park))
    return sections
