# SPDX-License-Identifier: BSD-2-Clause
"""What a message may cost: a line a figure in the file `budget`, and whether it is kept."""

import os
import statistics
from dataclasses import dataclass
from typing import Iterable

import stages
from calls import by_place
from scenario import Costs

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "budget")
HEAD = """\
# What one message costs, and how much more is let pass. Counted by `gate` on a release build with
# gcc, written by `gate --record`. Instructions (callgrind) and system calls (strace) of messages
# that come one after the other; CASE.PROCESS.WHAT.STAGE COUNT TOLERANCE.
"""
KINDS = ("worker", "dissector")  # the scribe writes when it finds the time, several at once

# What wobbles comes from timers, and from events that meet. A figure is the median of several, its
# tolerance the largest of a share of it, so much, and three times what it usually is away from it.
SHARE = {"instructions": 0.02, "calls": 0.0}
LEAST = {"instructions": 2000.0, "calls": 0.3}
WOBBLES = 3

Figures = dict[str, float]


@dataclass
class Allowance:
    count: float
    tolerance: float


def name_of(*words: str) -> str:
    return ".".join(word.replace(", ", "-").replace(": ", "-").replace(" ", "-").strip("?")
                    for word in words)


def figures(costs: Costs) -> Figures:
    found: Figures = {}
    for kind in KINDS:
        profile = costs.instructions[kind]
        found[name_of(costs.case.name, kind, "instructions", "all")] = profile.total
        for stage, count in stages.by_stage(profile).items():
            found[name_of(costs.case.name, kind, "instructions", stage)] = count
        for place, count in by_place(costs.calls[kind]).items():
            found[name_of(costs.case.name, kind, "calls", place)] = count
    return found


def what_of(name: str) -> str:
    return name.split(".")[2]


def allowances(rounds: list[Figures]) -> dict[str, Allowance]:
    """From several measurements of the same."""
    found = {}
    for name in set().union(*rounds):
        counts = [one.get(name, 0.0) for one in rounds]
        middle, what = statistics.median(counts), what_of(name)
        away = statistics.median(abs(count - middle) for count in counts)
        found[name] = Allowance(middle, max(middle * SHARE[what], LEAST[what], away * WOBBLES))
    return found


def breaches(measured: Figures, allowed: dict[str, Allowance]) -> list[str]:
    """Names of what costs more than it may. What is not in the budget may cost nothing."""
    none = {what: Allowance(0.0, least) for what, least in LEAST.items()}
    return sorted(name for name, count in measured.items()
                  if _over(count, allowed.get(name, none[what_of(name)])) > 0)


def gains(measured: Figures, allowed: dict[str, Allowance]) -> list[str]:
    """Names of what costs less by more than the tolerance."""
    return sorted(name for name, one in allowed.items()
                  if measured.get(name, 0.0) < one.count - one.tolerance)


def _over(count: float, one: Allowance) -> float:
    return count - one.count - one.tolerance


def shown(count: float) -> str:
    return f"{count:,.0f}" if count >= 1000 else f"{count:.2f}"


def read(path: str = PATH) -> dict[str, Allowance]:
    with open(path, encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and line[0] != "#"]
    return {name: Allowance(float(count), float(tolerance)) for name, count, tolerance in rows}


def write(allowed: dict[str, Allowance], path: str = PATH) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD)
        file.writelines(_lines(allowed))


def _lines(allowed: dict[str, Allowance]) -> Iterable[str]:
    for name in sorted(allowed):
        digits = 0 if what_of(name) == "instructions" else 2
        yield f"{name} {allowed[name].count:.{digits}f} {allowed[name].tolerance:.{digits}f}\n"
