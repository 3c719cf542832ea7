# SPDX-License-Identifier: BSD-2-Clause
"""Tables of figures in Markdown, and the place between two marks of a document where they stand."""

import os
import re
import subprocess
from typing import Iterable

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def table(columns: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    head = list(columns)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def record(path: str, name: str, text: str) -> None:
    """Puts the text between the file's two marks of that name, which must be there."""
    with open(path, encoding="utf-8") as file:
        old = file.read()
    mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
    new, count = mark.subn(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", old)
    assert count == 1, f"{path}: no marks for {name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)


def commit() -> str:
    """The tree's, in short."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, text=True,
                          capture_output=True, check=False)
    return done.stdout.strip() or "unknown"
