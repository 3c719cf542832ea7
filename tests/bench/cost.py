# SPDX-License-Identifier: BSD-2-Clause
"""What the cost of one message is made of: a dry list, by counts that are the same on any day."""

import json
import os
import subprocess
import tempfile
from argparse import Namespace
from typing import Any, Callable, Sequence

import stages
from calls import by_place
from report import Cell, Section
from scenario import KINDS, Case, Costs, measure
from stand import progress

# More messages where one is cheap.
CASES = tuple(Case(handoff, size, count) for handoff in ("spool", "relay")
              for size, count in (("4 KB", 40), ("50 KB", 16), ("1 MB", 4)))
FUNCTIONS = 25
LEDGER_MESSAGES = "20000"
ENOUGH = 16  # messages; the scribe writes several at once, when it finds the time
Count = Callable[[Costs, str], dict[str, float]]


def heads(all_costs: list[Costs]) -> tuple[str, ...]:
    return tuple(f"{costs.case.handoff}, {costs.case.size}" for costs in all_costs)


def rows(section: Section, all_costs: list[Costs], count: Count, names: Sequence[str],
         digits: int) -> None:
    """One a process and stage or place, and the sum of each process."""
    for kind in KINDS:
        counts = [count(costs, kind) for costs in all_costs]
        most = counts[0]
        wanted = names or sorted(set().union(*counts), key=lambda name: -most.get(name, 0))
        for name in () if kind == "scribe" else wanted:
            cells: list[Cell] = [round(one.get(name, 0.0), digits) for one in counts]
            if any(cells):
                section.add(kind, name, *cells)
        section.add(kind, "**all**", *(
            "-" if kind == "scribe" and costs.case.count < ENOUGH
            else round(sum(one.values()), digits) for costs, one in zip(all_costs, counts)))


def calls_section(all_costs: list[Costs]) -> Section:
    section = Section("cost-calls", "System calls of one message, by what they are about",
                      ("process", "about", *heads(all_costs)))
    rows(section, all_costs, lambda costs, kind: by_place(costs.calls[kind]), (), 1)
    section.notes.append(
        "Messages come one after the other, on one connection, so nothing is shared: with several "
        "under way at once there are fewer turns of the loop and fewer wake-ups (threads: futexes, "
        'and the descriptor that wakes the loop). "Other process" is the dissector, seen from the '
        "worker, and the worker, seen from the dissector.")
    return section


def each_call_section(all_costs: list[Costs]) -> Section:
    """Of 4 KB, where calls are what matters."""
    small = [costs for costs in all_costs if costs.case.size == "4 KB"]
    section = Section("cost-each-call", "The worker's system calls for 4 KB, one by one",
                      ("about", "call", *(costs.case.handoff for costs in small)))
    found = [costs.calls["worker"] for costs in small]
    for place, call in sorted(set().union(*found)):
        cells = [round(one.get((place, call), 0.0), 1) for one in found]
        if any(cells):
            section.add(place, call, *cells)
    return section


def instructions_section(all_costs: list[Costs]) -> Section:
    section = Section("cost-instructions", "Thousands of instructions of one message, by stage",
                      ("process", "stage", *heads(all_costs)))
    rows(section, all_costs,
         lambda costs, kind: {name: cost / 1000 for name, cost
                              in stages.by_stage(costs.instructions[kind]).items()},
         stages.NAMES, 1)
    section.notes.append(
        "Of our programs and libraries, without the kernel. What libraries and `base/` do is "
        "counted for the stage that had it done. valgrind knows no SHA instructions and counts "
        "each byte that `rep movsb` moves: what SHA-256 and large copies cost is less by far.")
    return section


def functions_section(all_costs: list[Costs]) -> Section:
    costs = all_costs[0]
    section = Section("cost-functions", f"Where the instructions of {heads(all_costs)[0]} are",
                      ("process", "function", "file", "thousands", "of all"))
    whole = sum(profile.total for profile in costs.instructions.values())
    found = [(cost, kind, function) for kind in KINDS for function, cost
             in stages.functions(costs.instructions[kind])]
    for cost, kind, (path, function) in sorted(found, reverse=True)[:FUNCTIONS]:
        section.add(kind, f"`{function}`", f"`{path}`", round(cost / 1000, 1),
                    f"{100 * cost / whole:.1f} %")
    section.notes.append("With what it had done by libraries and `base/`.")
    return section


def printed(build: str, *command: str) -> list[dict[str, Any]]:
    """The JSON lines of one of our programs."""
    program = os.path.join(build, "tests", "bench", command[0])
    done = subprocess.run([program, *command[1:]], check=True, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


def looking_section(build: str) -> Section:
    sizes = printed(build, "dissect", "--json")
    parts = [key[:-len("_ns")] for key in sizes[0] if key.endswith("_ns")]
    section = Section("cost-looking", "Microseconds of looking into a message, by part of the work",
                      ("size", *parts, "all"))
    for size in sizes:
        spent: list[Cell] = [round(size[part + "_ns"] / 1000, 1) for part in parts]
        section.add(size["size"], *spent, round(sum(float(one) for one in spent), 1))
    return section


def ledger_section(build: str) -> Section:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        found = printed(build, "ledger", "--json", folder, LEDGER_MESSAGES)[0]
    section = Section("cost-ledger", "What the ledger costs a message, in microseconds of CPU",
                      (*(key[:-len("_cpu_ns")] for key in found if key.endswith("_cpu_ns")),
                       "bytes of the file"))
    section.add(*(round(found[key] / 1000, 1) for key in found if key.endswith("_cpu_ns")),
                found["bytes"])
    return section


def run(options: Namespace) -> list[Section]:
    cases = CASES[:1] if options.quick else CASES
    progress(f"counting {len(cases)} scenarios")
    all_costs = measure(options.build, cases)
    return [calls_section(all_costs), each_call_section(all_costs),
            instructions_section(all_costs), functions_section(all_costs),
            looking_section(options.build), ledger_section(options.build)]
