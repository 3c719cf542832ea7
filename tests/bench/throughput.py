# SPDX-License-Identifier: BSD-2-Clause
"""Messages a second through Postern, beside nothing and beside its peers, in one run."""

from argparse import Namespace

from messages import SIZES
from report import Figure, Mark, Section
from stand import Park, Target, progress


def run(options: Namespace) -> list[Section]:
    with Park(options) as park:
        targets = [park.direct(), park.postern("spool", park.settings_for("spool")),
                   park.postern("relay", park.settings_for("relay"))]
        sections = [size_section(park, size, targets) for size in SIZES]
    return sections


def size_section(park: Park, size: str, targets: list[Target]) -> Section:
    section = Section(f"throughput-{size}", f"{size}, 20 connections", ("way", "messages/s"))
    for target in targets:
        progress(target.name)
        count = park.count_for(target, park.messages[size], 20, park.options.seconds)
        runs = [park.send(target, park.messages[size], 20, count)
                for _ in range(park.options.rounds)]
        section.add(target.name, Figure([run.rate for run in runs]))
    section.marks.append(Mark("x", Figure([1.0]), 0.45, "at least"))
    return section
