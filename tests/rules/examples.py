# SPDX-License-Identifier: BSD-2-Clause
"""The examples of README.md, the manual and conf/postern.conf: blocks, and commands in a sentence."""

import os
import re
from dataclasses import dataclass
from typing import Iterator

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = ("man/postern.1.in", "man/postern.conf.5.in", "man/posternd.8.in")


@dataclass
class Example:
    path: str
    line: int
    text: str      # without the indent, ends in a line feed

    @property
    def first(self) -> str:
        return self.text.split("\n", 1)[0]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.first}"


def read(path: str) -> str:
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def sources(*rooms: str) -> str:
    """All C code of the rooms."""
    return "".join(read(os.path.join(folder, name)) for room in rooms
                   for folder, _, names in sorted(os.walk(os.path.join(TOP, room)))
                   for name in sorted(names) if name.endswith(".c"))


def dedent(lines: list[str]) -> str:
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "".join(line[indent:] + "\n" for line in lines)


def of_readme() -> Iterator[Example]:
    """Fenced blocks, and runs of lines that are indented by four blanks."""
    lines = read("README.md").split("\n")
    block: list[str] = []
    begin, is_fenced = 0, False
    for number, line in enumerate([*lines, ""], 1):
        if line.startswith("```"):
            if is_fenced:
                yield Example("README.md", begin, dedent(block))
                block = []
            is_fenced, begin = not is_fenced, number + 1
        elif is_fenced or line.startswith("    ") or block and line == "":
            begin = begin if block else number
            block.append(line)
        elif block:
            yield Example("README.md", begin, dedent(block).rstrip("\n") + "\n")
            block = []


def plain(line: str) -> str:
    """A line of mdoc in a block as it is printed."""
    return line.replace(r"\(dq", '"').replace(r"\-", "-").replace(r"\&", "").replace(r"\e", "\\")


def of_page(path: str) -> Iterator[Example]:
    """.Bd -literal to .Ed, and .Dl."""
    block: list[str] = []
    begin = 0
    for number, line in enumerate(read(path).split("\n"), 1):
        if line.startswith(".Dl "):
            yield Example(path, number, plain(line[4:]) + "\n")
        elif line.startswith(".Bd -literal"):
            begin = number + 1
        elif line == ".Ed" and begin:
            yield Example(path, begin, dedent(block))
            block, begin = [], 0
        elif begin:
            block.append(plain(line))


def blocks() -> list[Example]:
    return list(of_readme()) + [example for path in PAGES for example in of_page(path)]


def schema() -> str:
    """The ledger's tables, from the code that makes them."""
    first = re.search(r"static const char first\[\] =\n(.*?);\n\n", read("track/ledger/ledger_schema.c"), re.S)
    assert first
    return "".join(re.findall(r'"([^"]*)"', first.group(1)))


def stamp() -> str:
    """What says that a file is a ledger, of that version."""
    owner = re.search(r"LEDGER_APPLICATION = (\w+)", read("track/ledger/ledger_schema.h"))
    version = re.search(r"LEDGER_SCHEMA = (\d+)", read("track/ledger/ledger.h"))
    assert owner and version
    return f"PRAGMA application_id = {owner.group(1)}; PRAGMA user_version = {version.group(1)};"


def commands() -> Iterator[Example]:
    """`postern ...` within sentences."""
    text = read("README.md")
    for found in re.finditer(r"`(postern [a-z-][^`]*)`", text):
        yield Example("README.md", text.count("\n", 0, found.start()) + 1,
                      found.group(1).replace("\n", " ") + "\n")
    for path in PAGES:
        for number, line in enumerate(read(path).split("\n"), 1):
            found = re.match(r"\.Ql (postern [a-z-].*?)(?: [.,;:])?$", line)
            if found:
                yield Example(path, number, plain(found.group(1)) + "\n")
