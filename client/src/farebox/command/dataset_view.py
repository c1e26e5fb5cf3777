"""A dataset at the terminal: its reading, its columns, its findings, and what is to be decided."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from farebox.command import output
from farebox.results.datasets import (
    ColumnReading,
    Finding,
    InspectedColumn,
    InspectedDataset,
    Preview,
)

SHOWN_VALUES = 3
MOST_DECISIONS = 20
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Values of settings that need no mention; the format names the encoding and the delimiter in any case.
USUAL: Mapping[str, object] = {
    "quote": '"',
    "decimal": None,
    "thousands": None,
    "header": True,
    "skip_top": 0,
    "skip_bottom": 0,
    "sheet": None,
    "missing": None,
    "trim": True,
}
WAYS_OUT = {"missing": "read such cells as missing", "text": "read it as text", "omitted": "leave it out"}


def show_dataset(dataset: InspectedDataset, findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        output.show_json(dataset.model_copy(update={"findings": list(findings)}))
        return
    left_out = [name for name, column in dataset.reading.columns.items() if column.type == "omitted"]
    output.show_facts(
        {
            "dataset": str(dataset.id),
            "name": dataset.name,
            "rows": dataset.rows,
            "duplicate rows": dataset.duplicate_rows,
            "format": _format(dataset),
            **({"sheets": dataset.sheets} if dataset.sheets else {}),
            **({"reading": reading} if (reading := list(_describe_reading(dataset))) else {}),
            **({"left out": left_out} if left_out else {}),
            "label": dataset.suggested.label and f"{dataset.suggested.label} (suggested)",
        }
    )
    rows = (
        [column.name, _type(dataset, column), column.missing, column.distinct, _values(column)]
        for column in dataset.columns
    )
    output.show_table(["column", "type", "missing", "distinct", "values"], rows)
    if findings:
        lines = ([finding.severity, finding.detail, finding.advice] for finding in findings)
        output.show_table(["severity", "finding", "advice"], lines)
    _show_decisions(dataset)


def show_first_rows(preview: Preview) -> None:
    # As text: a year needs no thousands separator.
    rows = [[cell if cell is None else str(cell) for cell in row] for row in preview.rows]
    output.show_table(preview.columns, rows)


def ways_out(dataset_id: int, column: str) -> dict[str, str]:
    """The commands that decide about a column, by what they do."""
    begin = f"farebox datasets correct {dataset_id}"
    return {meaning: f"{begin} {shlex.quote(f'{column}={word}')}" for word, meaning in WAYS_OUT.items()}


def _show_decisions(dataset: InspectedDataset) -> None:
    undecided = [column.name for column in dataset.columns if column.needs_decision]
    for name in undecided[:MOST_DECISIONS]:
        output.message(f"Decide about '{name}' before training:")
        for meaning, command in ways_out(dataset.id, name).items():
            output.message(f"  {meaning}: {command}")
    if len(undecided) > MOST_DECISIONS:
        output.message(f"{len(undecided) - MOST_DECISIONS} more columns need a decision.")


def _describe_reading(dataset: InspectedDataset) -> Iterator[str]:
    """The settings of the file that were set, or are not the usual ones."""
    for name in ("encoding", "delimiter", *USUAL):
        value, is_set = getattr(dataset.reading, name), getattr(dataset.corrections, name) is not None
        if is_set or (name in USUAL and value not in (None, USUAL[name])):
            yield f"{name.replace('_', ' ')} {_setting(value)}{' (set)' if is_set else ''}"


def _setting(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case "":
            return "none"
        case str():
            return DELIMITER_NAMES.get(value, value)
        case list():
            return " ".join(f"'{word}'" for word in value)
        case _:
            return str(value)


def _format(dataset: InspectedDataset) -> str:
    if dataset.dialect is None:
        return dataset.format
    dialect = dataset.dialect
    delimiter = DELIMITER_NAMES.get(dialect.delimiter, dialect.delimiter)
    compression = f", {dialect.compression}" if dialect.compression else ""
    return f"{dataset.format}, {dialect.encoding}, {delimiter}-separated{compression}"


def _type(dataset: InspectedDataset, column: InspectedColumn) -> str:
    """The type with what is not obvious about it."""
    if column.needs_decision:
        return "needs a decision"
    reading = dataset.reading.columns.get(column.name, ColumnReading())
    notes = [
        reading.format if reading.format not in (None, "iso") else "",
        f"decimal {_setting(reading.decimal)}" if reading.decimal == "," else "",
        f"thousands {reading.thousands}" if reading.thousands else "",
        f"unit {reading.unit}" if reading.unit else "",
        "others missing" if reading.exceptions == "missing" else "",
        "set" if column.name in dataset.corrections.columns else "",
    ]
    return ", ".join([column.type or column.kind, *filter(None, notes)])


def _values(column: InspectedColumn) -> str:
    if column.quantiles is not None and (column.kind == "date" or not column.top_values):
        return f"{column.quantiles.min} to {column.quantiles.max}"
    values = ", ".join(f"{top.value} ({top.count})" for top in column.top_values[:SHOWN_VALUES])
    return f"{values}, ..." if column.distinct > SHOWN_VALUES else values
