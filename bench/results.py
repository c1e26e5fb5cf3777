"""Results: each figure with its reference and target, as a table and as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Column, Table

from bench.load import GENERATOR


@dataclass(frozen=True, slots=True)
class Target:
    """The least or the most that a figure may be."""

    at_least: float | None = None
    at_most: float | None = None

    def is_reached(self, figure: float) -> bool:
        if self.at_least is not None:
            return figure >= self.at_least
        return self.at_most is None or figure <= self.at_most

    def __str__(self) -> str:
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Measure:
    """A measured value. With a reference, its target is about the ratio of both."""

    name: str
    value: float
    unit: str
    reference: float | None = None
    reference_name: str = ""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.reference is None else self.value / self.reference

    @property
    def reached(self) -> bool | None:
        if self.target is None:
            return None
        return self.target.is_reached(self.value if self.ratio is None else self.ratio)

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "reference": self.reference,
            "reference_name": self.reference_name,
            "ratio": self.ratio,
            "target": None if self.target is None else str(self.target),
            "reached": self.reached,
        }


def table_of(title: str, measures: Sequence[Measure]) -> Table:
    table = Table(Column("measure", no_wrap=True), "value", "reference", "ratio", "target", "reached")
    table.title, table.title_justify = title, "left"
    for measure in measures:
        with_reference = measure.reference is not None
        table.add_row(
            measure.name,
            f"{_number(measure.value)} {measure.unit}",
            f"{_number(measure.reference)} {measure.reference_name}" if with_reference else "",
            "" if measure.ratio is None else f"{measure.ratio:.3g}",
            "" if measure.target is None else str(measure.target),
            {True: "yes", False: "NO", None: ""}[measure.reached],
        )
    return table


def write_json(path: Path, parts: dict[str, Sequence[Measure]], seconds: float) -> None:
    document = {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load_generator": GENERATOR,
        "seconds": round(seconds),
        "parts": {name: [measure.to_json() for measure in measures] for name, measures in parts.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def _number(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
