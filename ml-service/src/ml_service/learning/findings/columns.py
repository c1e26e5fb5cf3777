"""What is remarkable about a table whatever is predicted, and what could be predicted by the look of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ml_service.learning.tables import ColumnProfile
from ml_service.learning.tables.summaries import Summary

FEW_ROWS = 50
MOSTLY_MISSING = 0.5
# As many as the preparation of texts makes columns of; the rarer ones count as one.
MANY_CATEGORIES = 50
FEWEST_ROWS_OF_IDS = 20
NEARLY_ALL = 0.95
MOST_CLASSES = 20
ID_NAME = re.compile(r"(?i:(^|[_\W])(id|uid|uuid|guid|key|index|number|no|nr)$)|[a-z]I[dD]$")
LABEL_NAMES = {"target", "label", "class", "y", "outcome", "response", "result"}
LEFT_OUT = {"constant", "id_like"}

Severity = Literal["info", "warning", "serious"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before training; `column` is None where it is about all rows."""

    code: str
    severity: Severity
    column: str | None
    detail: str
    advice: str


@dataclass(frozen=True, slots=True)
class Look:
    """One column: what a training order is checked against, and what its cells look like."""

    column: ColumnProfile
    summary: Summary


@dataclass(frozen=True, slots=True)
class Suggestion:
    label: str | None
    features: Sequence[str]


def find(looks: Sequence[Look], rows: int, duplicate_rows: int) -> list[Finding]:
    """Everything that needs no label to be seen."""
    found = [finding for look in looks for finding in _find_in_column(look, rows)]
    if rows < FEW_ROWS:
        found.append(
            Finding(
                "too_few_rows",
                "warning",
                None,
                f"There are only {rows} rows, so any figure about a model is rough.",
                f"Send at least {FEW_ROWS} rows, better some hundreds.",
            )
        )
    if duplicate_rows:
        found.append(_find_duplicates(rows, duplicate_rows))
    return found


def suggest(looks: Sequence[Look], findings: Sequence[Finding]) -> Suggestion:
    """A label by its name, else classes in the last or the first such column, else the last numbers."""
    left_out = {each.column for each in findings if each.code in LEFT_OUT}
    usable = [look for look in looks if look.column.kind != "empty" and look.column.name not in left_out]
    label = _choose_label([look for look in usable if look.column.kind != "date"])
    return Suggestion(label, [look.column.name for look in usable if look.column.name != label])


def _find_in_column(look: Look, rows: int) -> Iterator[Finding]:
    column, distinct = look.column, look.summary.distinct
    name, present = column.name, rows - column.missing
    if column.missing > MOSTLY_MISSING * rows:
        yield Finding(
            "mostly_missing",
            "warning",
            name,
            f"{_percent(column.missing, rows)} of the cells in '{name}' are missing.",
            "Leave the column out, or find out what its missing cells mean.",
        )
    if distinct == 1 and rows > 1:
        yield Finding(
            "constant",
            "warning",
            name,
            f"'{name}' has the same value in every row, so nothing can be learnt from it.",
            "Leave the column out.",
        )
    elif _is_id_like(look, present):
        yield Finding(
            "id_like",
            "warning",
            name,
            f"'{name}' tells nearly every row apart, as a number or name of the row would.",
            "Leave the column out: what is learnt of it says nothing about other rows.",
        )
    elif column.kind == "text" and distinct > MANY_CATEGORIES:
        yield Finding(
            "high_cardinality",
            "info",
            name,
            f"'{name}' has {distinct} different texts.",
            f"Only the {MANY_CATEGORIES} most common ones are learnt; group the others if they matter.",
        )


def _find_duplicates(rows: int, duplicates: int) -> Finding:
    are = "1 row is" if duplicates == 1 else f"{duplicates} rows are"
    return Finding(
        "duplicate_rows",
        "warning" if duplicates >= rows / 100 else "info",
        None,
        f"{are} the same as an earlier one ({_percent(duplicates, rows)}).",
        "Remove them unless they are real: a model is measured too well on rows that it has seen.",
    )


def _is_id_like(look: Look, present: int) -> bool:
    column, distinct = look.column, look.summary.distinct
    if present < FEWEST_ROWS_OF_IDS:
        return False
    if column.kind == "text":
        return distinct >= NEARLY_ALL * present
    if not column.whole or distinct < present:
        return False
    return bool(ID_NAME.search(column.name)) or _counts_up(look.summary)


def _counts_up(summary: Summary) -> bool:
    """Whether whole numbers, all of them different, leave none out between the least and the greatest."""
    match summary.quantiles:
        case {"min": int(low), "max": int(high)}:
            return high - low == summary.distinct - 1
        case _:
            return False


def _choose_label(looks: Sequence[Look]) -> str | None:
    names = [look.column.name for look in looks]
    known = [name for name in names if name.casefold() in LABEL_NAMES]
    if known:
        return known[-1]
    classes = [look.column.name for look in looks if _has_classes(look)]
    if classes:
        return classes[-1] if classes[-1] == names[-1] else classes[0]
    numbers = [look.column.name for look in looks if look.column.kind == "number"]
    return numbers[-1] if numbers else None


def _has_classes(look: Look) -> bool:
    return look.column.kind == "text" and 2 <= look.summary.distinct <= MOST_CLASSES


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %"
