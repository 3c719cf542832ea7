# SPDX-License-Identifier: BSD-2-Clause
"""What each attempt to break Postern comes to: a table for people, and whether it is good."""

import datetime
import os
import platform
import time
from dataclasses import dataclass, field
from typing import Iterable, Iterator, Optional, TypeVar

import document
import share

Item = TypeVar("Item")


@dataclass
class Table:
    """Rows of figures. `bad` columns must be 0 in every row, and there must be a row."""
    name: str
    columns: tuple[str, ...]
    bad: tuple[str, ...]
    notes: list[str] = field(default_factory=list)  # below the table; what failed, by name
    rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        assert len(cells) == len(self.columns), (cells, self.columns)
        self.rows.append(cells)

    def is_good(self) -> bool:
        at = [self.columns.index(name) for name in self.bad]
        return bool(self.rows) and not any(row[column] for row in self.rows for column in at)

    def text(self) -> str:
        return "\n\n".join([document.table(self.columns, self.rows), *self.notes])

    def record(self, path: str) -> None:
        """Between the file's two marks of that name; with day, kernel and commit."""
        said = (f"{datetime.date.today()}, commit {document.commit()}, Linux "
                f"{platform.release().split('-')[0]}, {os.cpu_count()} cores.")
        document.record(path, self.name, f"{self.text()}\n\n{said}")


def shared(items: Iterable[Item], seconds: Optional[float]) -> Iterator[Item]:
    """All of them, or (None: no limit) as many as the time allows, another first each commit."""
    rows = list(items)
    if seconds is None:
        yield from rows
        return
    first = share.rotation() * 37 % max(len(rows), 1)  # 37: neighbours in the list are alike
    end = time.monotonic() + seconds
    for item in rows[first:] + rows[:first]:
        if time.monotonic() > end:
            return
        yield item
