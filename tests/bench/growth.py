# SPDX-License-Identifier: BSD-2-Clause
"""What grows with what: workers, a long queue, many recipients, many header fields."""

import os
from argparse import Namespace
from typing import Optional

import messages
import release_start
from report import Figure, Mark, Section
from stand import Load, Park, Run, Target, progress

CONNECTIONS = 20
WORKERS = (1, 2, 4)
QUEUES = (10, 100_000)
RECIPIENTS = (1, 10, 100, 1000)
FIELDS = (10, 100, 1000)
COUNT = 1500  # messages of a round: processor time is counted in hundredths of a second


def costs(park: Park, target: Target, message: messages.Message, count: int,
          load: Optional[Load] = None) -> tuple[Figure, Figure]:
    """Messages a second, and the processor time of each message in µs."""
    if park.options.quick:
        count = max(count // 10, 10)
    park.send(target, message, CONNECTIONS, count, load)  # a warm-up
    runs: list[Run] = [park.send(target, message, CONNECTIONS, count, load)
                       for _ in range(park.options.rounds)]
    return Figure([run.rate for run in runs]), Figure([run.cpu_ms * 1000 for run in runs])


def by_workers(park: Park) -> Section:
    section = Section("growth-workers", "Workers; 4 KB over spool, 20 connections",
                      ("workers", "messages/s", "CPU µs a message"), settings=park.settings)
    rates, spent = {}, {}
    for workers in WORKERS:
        progress(f"growth, {workers} workers")
        settings = park.settings_for("spool")
        settings.lines["workers"] = str(workers)
        target = park.postern(f"{workers} workers", settings)
        rates[workers], spent[workers] = costs(park, target, park.messages["4 KB"], 2 * COUNT)
        section.add(workers, rates[workers], spent[workers])
        park.end(target.postern)
    most = max(workers for workers in WORKERS if workers <= (os.cpu_count() or 1))
    section.marks = [Mark(f"messages a second: {most} workers, of one",
                          rates[most].over(rates[1]), 1, "at least"),
                     Mark(f"CPU a message: {most} workers, of one",
                          spent[most].over(spent[1]), 1.25, "at most")]
    section.notes.append(f"The load generator and the sink share {os.cpu_count()} processors with "
                         "the workers and dissectors: throughput ends where the processors do.")
    return section


def by_queue(park: Park) -> Section:
    """The waiting ones are due in an hour."""
    section = Section("growth-queue", "Messages waiting in the spool; 4 KB, 20 connections",
                      ("waiting", "messages/s", "CPU µs a message"), settings=park.settings)
    spent = {}
    for waiting in QUEUES:
        progress(f"growth, {waiting} messages waiting")
        settings = park.settings_for("spool")
        hop, = settings.hops
        settings.hops[hop] += '  name = "sink"'
        settings.spool = {"max_messages": "1000000"}
        target = park.postern(f"{waiting} waiting", settings)
        postern = target.postern
        assert postern is not None
        postern.stop()
        release_start.fill(postern.spool, waiting)
        postern.start(seconds=60, verbose=False)
        target.master = postern.master
        release_start.wait_for_waiting(postern, waiting)
        park.settle(target)
        rate, spent[waiting] = costs(park, target, park.messages["4 KB"], 2 * COUNT)
        section.add(waiting, rate, spent[waiting])
        park.end(postern)
    few, many = (spent[waiting] for waiting in QUEUES)
    section.marks.append(Mark(f"CPU a message: {QUEUES[1]:,} waiting, of {QUEUES[0]}",
                              many.over(few), 1.15, "at most"))
    return section


def by_recipients(park: Park, targets: list[Target]) -> Section:
    section = Section("growth-recipients", "Recipients of one message; 4 KB, CPU µs a message",
                      ("recipients", *(target.name for target in targets)),
                      settings=park.settings)
    spent = {}
    for recipients in RECIPIENTS:
        progress(f"growth, {recipients} recipients")
        count = max(COUNT // recipients, 200) if recipients < 1000 else 100
        for target in targets:
            spent[recipients, target.name] = costs(park, target, park.messages["4 KB"], count,
                                                   Load(recipients))[1]
        section.add(recipients, *(spent[recipients, target.name] for target in targets))
    section.marks = [Mark(f"{target.name}: {RECIPIENTS[-1]:,} recipients, of one",
                          spent[RECIPIENTS[-1], target.name].over(spent[1, target.name]), 3,
                          "at most") for target in targets]
    return section


def with_fields(park: Park, count: int) -> messages.Message:
    """The 4 KB message with that many more header fields in front."""
    plain = park.messages["4 KB"]
    extra = "".join(f"X-Field-{number}: what a machine on the way had to say\r\n"
                    for number in range(count)).encode()
    path = f"{plain.path}-{count}-fields"
    with open(path, "wb") as file:
        file.write((extra + plain.content).replace(b"\r\n", b"\n"))
    return messages.Message(f"{count} fields", plain.size + len(extra), extra + plain.content,
                            path)


def by_fields(park: Park, targets: list[Target]) -> Section:
    section = Section("growth-fields", "Header fields on top of 4 KB; CPU µs a message",
                      ("fields", *(target.name for target in targets)), settings=park.settings)
    spent = {}
    for fields in FIELDS:
        progress(f"growth, {fields} fields")
        message = with_fields(park, fields)
        for target in targets:
            spent[fields, target.name] = costs(park, target, message, COUNT // 2)[1]
        section.add(fields, *(spent[fields, target.name] for target in targets))
    section.marks = [Mark(f"{target.name}: {FIELDS[-1]:,} header fields, of {FIELDS[0]}",
                          spent[FIELDS[-1], target.name].over(spent[FIELDS[0], target.name]), 5,
                          "at most") for target in targets]
    return section


def run(options: Namespace) -> list[Section]:
    with Park(options) as park:
        sections = [by_workers(park), by_queue(park)]
        targets = [park.postern(way, park.settings_for(way)) for way in ("spool", "relay")]
        return sections + [by_recipients(park, targets), by_fields(park, targets)]
