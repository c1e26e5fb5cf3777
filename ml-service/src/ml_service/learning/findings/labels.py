"""What is remarkable about a table once it is known what to predict."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from ml_service.learning.findings.associations import label_of, measure_association
from ml_service.learning.findings.columns import Finding
from ml_service.learning.tables import Column, Table

UNEVEN = 10
VERY_UNEVEN = 100
FEW_ROWS_A_CLASS = 10
FEWEST_ROWS = 40
MOST_ROWS = 20_000
SUSPECT = 0.95
CERTAIN = 0.99


def find_in_classes(label: str, counts: Sequence[int]) -> Iterator[Finding]:
    """`counts` is how often each class occurs, rarest first."""
    rarest, commonest = counts[0], counts[-1]
    few = sum(count < FEW_ROWS_A_CLASS for count in counts)
    if few:
        have = "1 class has" if few == 1 else f"{few} classes have"
        yield Finding(
            "too_few_rows",
            "serious" if rarest == 1 else "warning",
            label,
            f"{have} fewer than {FEW_ROWS_A_CLASS} rows in '{label}', the rarest {rarest}.",
            "Add rows of the rare classes, or join them with others.",
        )
    if commonest >= UNEVEN * rarest:
        yield Finding(
            "imbalanced",
            "serious" if commonest >= VERY_UNEVEN * rarest else "warning",
            label,
            f"The commonest class of '{label}' has {commonest} rows, the rarest {rarest}.",
            "Judge models by balanced accuracy or F1: guessing the commonest class alone looks accurate.",
        )


def find_leakage(table: Table, label: str, is_classes: bool) -> Iterator[Finding]:
    """Columns that alone almost give the label away."""
    chosen = _choose_rows(table.columns[label])
    if len(chosen) < FEWEST_ROWS:
        return
    told = label_of(_take(table.columns[label], chosen), is_classes)
    for name, column in table.columns.items():
        if name == label or column.kind == "empty":
            continue
        strength = measure_association(_take(column, chosen), told)
        if strength >= SUSPECT:
            saved = "of the wrong guesses about" if is_classes else "of the variance of"
            yield Finding(
                "leakage",
                "serious" if strength >= CERTAIN else "warning",
                name,
                f"'{name}' alone takes away {100 * strength:.3g} % {saved} '{label}', on rows kept aside.",
                "Leave it out unless it is known before the label is.",
            )


def _choose_rows(label: Column) -> pa.Array:
    """Rows that have a label, evenly over the table where there are many."""
    present = np.flatnonzero(label.cells.is_valid().to_numpy())
    places = np.linspace(0, max(len(present) - 1, 0), min(len(present), MOST_ROWS)).astype(np.int64)
    return pa.array(present[places])


def _take(column: Column, rows: pa.Array) -> Column:
    cells = column.cells.take(rows)
    return Column(column.name, column.kind, cells.null_count, column.whole, cells)
