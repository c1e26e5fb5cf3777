"""Tables to train on: the project's examples, those of textbooks, and small generated ones."""

import gzip
from pathlib import Path

from ml_service.learning.tables import ColumnReading, Reading

DATA = Path(__file__).parents[2] / "data"
REAL_TABLES = Path(__file__).parent / "real_tables"


def shared(name: str) -> bytes:
    """One of the project's example tables."""
    return (DATA / f"{name}.csv").read_bytes()


def real_table(name: str) -> bytes:
    """A table of textbooks, or one of the project's examples."""
    packed = REAL_TABLES / f"{name}.csv.gz"
    return gzip.decompress(packed.read_bytes()) if packed.exists() else shared(name)


def csv(header: str, *rows: str) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def line_table(rows: int = 40) -> bytes:
    """y = 3 * x + 2 exactly, with a second column of noise."""
    return csv("x,noise,y", *(f"{n},{(n * 7919) % 13},{3 * n + 2}" for n in range(rows)))


def fruit_table(rows: int = 60) -> bytes:
    """Two classes separated by weight."""
    kinds = [("apple", 150), ("grape", 5)]
    return csv("weight,colour,fruit", *(_fruit(n, *kinds[n % 2]) for n in range(rows)))


def month_table(years: int = 10) -> bytes:
    """Twelve classes as whole numbers, which follow from the temperature."""
    months = [(year, month) for year in range(years) for month in range(1, 13)]
    return csv(
        "temp,rain,month", *(f"{10 * month + year % 3}.5,{year % 4},{month}" for year, month in months)
    )


def _fruit(n: int, kind: str, weight: int) -> str:
    colour = "green" if n % 3 else "red"
    return f"{weight + n % 4}.5,{colour},{kind}"


def typed(**types: str) -> Reading:
    """Settings with the types of some columns."""
    return Reading(columns={name: ColumnReading.from_json({"type": type_}) for name, type_ in types.items()})
