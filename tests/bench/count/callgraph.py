# SPDX-License-Identifier: BSD-2-Clause
"""What callgrind wrote: instructions by function, and who had them executed.

A function of a library, or of a room that serves all others, is somebody's hands: its instructions
are counted for who called it, shared out among its callers by what it cost each of them.
"""

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Callable, Iterable

# One a function: (object or path of the source, name).
Function = tuple[str, str]
OURS = re.compile(r".*/((?:base|smtp|spool|mime|filters|policy|reinject|track|control|src)/.*\.c)$")
NOBODY: Function = ("", "(start and threads)")
ROUNDS = 60  # recursion in libraries: shares that go round come to nothing


@dataclass
class Profile:
    """own: instructions of the function itself. calls: (caller, callee) to what the callee and all
    that it called took."""
    own: dict[Function, float] = field(default_factory=lambda: defaultdict(float))
    calls: dict[tuple[Function, Function], float] = field(
        default_factory=lambda: defaultdict(float))

    @property
    def total(self) -> float:
        return sum(self.own.values())

    def less(self, other: "Profile", count: int) -> "Profile":
        """What was done here and not there, for each of `count`."""
        result = Profile()
        for mine, theirs, out in ((self.own, other.own, result.own),
                                  (self.calls, other.calls, result.calls)):
            for key in mine.keys() | theirs.keys():
                out[key] = (mine.get(key, 0.0) - theirs.get(key, 0.0)) / count
        return result

    def by_owner(self, serves: Callable[[Function], bool]) -> dict[Function, float]:
        """Instructions by function that does not serve, those of its servants included."""
        callers: dict[Function, dict[Function, float]] = defaultdict(dict)
        for (caller, callee), cost in self.calls.items():
            if serves(callee) and cost > 0 and caller != callee:
                callers[callee][caller] = cost
        owned: dict[Function, float] = defaultdict(float)
        carried = dict(self.own)
        for _ in range(ROUNDS):
            passed: dict[Function, float] = defaultdict(float)
            for function, cost in carried.items():
                shares = callers.get(function, {})
                if not serves(function):
                    owned[function] += cost
                elif not shares:
                    owned[NOBODY] += cost
                else:
                    whole = sum(shares.values())
                    for caller, share in shares.items():
                        passed[caller] += cost * share / whole
            carried = passed
        owned[NOBODY] += sum(carried.values())
        return owned


class _Reader:
    """Names are written once, with a number that stands for them from then on."""

    def __init__(self) -> None:
        self.names: dict[str, dict[str, str]] = {"ob": {}, "fl": {}}
        self.functions: dict[str, Function] = {}
        self.object = self.file = ""
        self.named: dict[str, str] = {}

    def name(self, kind: str, text: str) -> str:
        number, _, name = text.partition(" ")
        if name:
            self.names[kind][number] = name
        return self.names[kind].get(number, number)

    def function(self, text: str, place: Function) -> Function:
        """place: object and file that it is in, if this is the first that is heard of it."""
        number, _, name = text.partition(" ")
        if number not in self.functions:
            self.functions[number] = (source(*place), name)
        return self.functions[number]


def source(path: str, file: str) -> str:
    """Ours by its path in the tree, a library's by the name of the library."""
    found = OURS.match(file)
    return found.group(1) if found else os.path.basename(path)


def read(path: str) -> Profile:
    """One process."""
    profile, names = Profile(), _Reader()
    here = callee = NOBODY
    place, called = ("", ""), ["", ""]
    is_call = False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, is_named, text = line.rstrip("\n").partition("=")
            if not is_named:
                if line[:1].isdigit() or line[:1] in "+-*":
                    cost = float(line.split()[1])
                    if is_call:
                        profile.calls[here, callee] += cost
                    else:
                        profile.own[here] += cost
                    is_call = False
            elif key == "ob":
                place = (names.name("ob", text), place[1])
            elif key == "fl":
                place = (place[0], names.name("fl", text))
            elif key in ("fi", "fe"):
                names.name("fl", text)
            elif key == "fn":
                here, called = names.function(text, place), list(place)
            elif key == "cob":
                called[0] = names.name("ob", text)
            elif key in ("cfi", "cfl"):
                called[1] = names.name("fl", text)
            elif key == "cfn":
                callee, called = names.function(text, (called[0], called[1])), list(place)
            elif key == "calls":
                is_call = True
    return profile


def sum_of(several: Iterable[Profile]) -> Profile:
    result = Profile()
    for one in several:
        for key, cost in one.own.items():
            result.own[key] += cost
        for edge, cost in one.calls.items():
            result.calls[edge] += cost
    return result
