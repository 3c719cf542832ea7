# SPDX-License-Identifier: BSD-2-Clause
"""What is measured: figures with their spread, tables of them, and marks that they meet or not."""

import statistics
from dataclasses import dataclass, field
from typing import Any, Union

import document


@dataclass
class Figure:
    """One thing measured several times. `runs`: all of them, in their order."""
    runs: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    def __str__(self) -> str:
        """Median and, where runs differ, the spread: "9,577 (9,301..9,702)"."""
        if min(self.runs) == max(self.runs):
            return number(self.runs[0])
        return f"{number(self.median)} ({number(min(self.runs))}..{number(max(self.runs))})"

    def over(self, other: "Figure") -> "Figure":
        """Ratios run by run: both were measured in the same rounds, side by side."""
        assert len(self.runs) == len(other.runs), (self, other)
        return Figure([one / two for one, two in zip(self.runs, other.runs)])

    def as_json(self) -> dict[str, Any]:
        return {"median": self.median, "min": min(self.runs), "max": max(self.runs),
                "runs": self.runs}


Cell = Union[str, int, float, Figure]  # "-": was not measured, and a note says why


@dataclass
class Mark:
    """What is to be reached. direction: "at least" or "at most"; the median counts."""
    what: str
    value: Figure
    limit: float
    direction: str
    unit: str = ""

    def __post_init__(self) -> None:
        assert self.direction in ("at least", "at most"), self.direction

    @property
    def is_met(self) -> bool:
        if self.direction == "at least":
            return self.value.median >= self.limit
        return self.value.median <= self.limit

    def row(self) -> list[str]:
        unit = f" {self.unit}" if self.unit else ""
        return [self.what, f"{self.direction} {self.limit:,g}{unit}", f"{self.value}{unit}",
                "met" if self.is_met else "**not met**"]

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "value": self.value.as_json(), "limit": self.limit,
                "direction": self.direction, "unit": self.unit, "is_met": self.is_met,
                "row": self.row()}


MARK_COLUMNS = ("mark", "limit", "measured", "")


@dataclass
class Section:
    """A table, its marks, and what has to be said below it. A row has a cell a column.

    name: unique, the same each time ("throughput-4-kb"). settings: of each Postern measured, by
    name (Target.settings of stand.py).
    """
    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[list[Cell]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)

    def add(self, *cells: Cell) -> None:
        assert len(cells) == len(self.columns), (cells, self.columns)
        self.rows.append(list(cells))

    def text(self) -> str:
        parts = [f"### {self.title}"]
        if self.rows:
            parts.append(document.table(self.columns, [map(shown, row) for row in self.rows]))
        if self.marks:
            parts.append(document.table(MARK_COLUMNS, [mark.row() for mark in self.marks]))
        return "\n\n".join(parts + self.notes)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "title": self.title, "columns": list(self.columns),
                "rows": [[cell.as_json() if isinstance(cell, Figure) else cell for cell in row]
                         for row in self.rows],
                "marks": [mark.as_json() for mark in self.marks], "notes": self.notes}


def number(value: float) -> str:
    """Three digits that count, thousands parted: 9,577; 41.3; 0.452; 0.00012."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    for digits in (1, 2, 3):
        if abs(value) >= 10 ** (2 - digits):
            return f"{value:.{digits}f}"
    return f"{value:.3g}"


def shown(cell: Cell) -> str:
    return number(cell) if isinstance(cell, (int, float)) else str(cell)
