"""Result of a training and report on its model, both in plain values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import pandas as pd

from ml_service.learning.findings.columns import Finding
from ml_service.learning.findings.labels import find_all
from ml_service.learning.findings.leakage import Score, find_too_good
from ml_service.learning.model_types import Task
from ml_service.learning.predictors.encoding import DATE_PARTS, Encoding
from ml_service.learning.reports.evaluation import Evaluation
from ml_service.learning.reports.model_findings import find_in_split
from ml_service.learning.reports.partial_fits import TrainingSet
from ml_service.learning.reports.report import make_report
from ml_service.learning.tables import Column, Json
from ml_service.learning.training.compilation import CompiledModel
from ml_service.learning.training.preparation import Split, feature_frame

LIBRARIES = ("scikit-learn", "numpy", "pandas", "pyarrow", "treelite")
EXAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The description of a model in JSON values; `files` holds the SHA-256 and size of each of its files."""

    model_type: str
    task: Task
    label: str
    classes: list[str | int]
    params: Json
    metrics: dict[str, float | None]
    baseline: dict[str, float | None]
    features: list[Json]
    example: Json
    rows: int
    training_rows: int
    test_rows: int
    stratified: bool
    warnings: list[str]
    verdict: str
    versions: dict[str, str]
    spec: Json
    files: dict[str, Json]
    task_note: str | None = None

    def to_json(self) -> Json:
        return asdict(self)


def library_versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def describe_features(columns: Sequence[Column], encoding: Encoding) -> list[Json]:
    """Each feature's kind and type, range or categories, number of missing cells and example."""
    example = example_features(columns)
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "type": column.reading.type,
            "missing": column.missing,
            "example": example[column.name],
            **_describe_values(column, encoding),
        }
        for column in columns
    ]


def example_features(columns: Sequence[Column]) -> Json:
    """The row with the fewest missing cells among the first `EXAMPLE_ROWS`; missing cells are null."""
    first = feature_frame(columns, EXAMPLE_ROWS)
    row = first.iloc[int(first.notna().sum(axis=1).to_numpy().argmax())]
    return {column.name: _to_plain(row[column.name], column) for column in columns}


def report_on(
    data: Split, training: TrainingSet, compiled: CompiledModel, result: TrainingResult, sha256: bytes
) -> Json:
    """The report, computed while the rows are in memory; `sha256` is that of the table's file."""
    calibration = compiled.calibration
    evaluation = Evaluation(
        task=result.task,
        classes=result.classes,
        metrics=result.metrics,
        baseline=result.baseline,
        rows=calibration.rows,
        labels=data.label_values(calibration.labels),
        scores=calibration.scores,
        test_rows=result.test_rows,
        score=compiled.score,
        positions=_positions_of(compiled.encoding, list(data.kinds)),
        nonconformity=calibration.nonconformity,
    )
    findings = [*map(asdict, _find_in_split(data, result.spec)), *_find_in_table(data, result)]
    report = make_report(evaluation, training, findings)
    report["findings"] += _find_too_good(evaluation, result, report["importance"])
    return {
        "type": result.model_type,
        "task": result.task,
        "label": result.label,
        **report,
        "recipe": {
            **_recipe(result, len(calibration.rows), sha256.hex()),
            "split": {**result.spec["split"], **data.parts.facts},
        },
    }


def _find_too_good(evaluation: Evaluation, result: TrainingResult, importance: Sequence[Json]) -> list[Json]:
    main = evaluation.main_metric
    value, baseline = result.metrics[main], result.baseline[main]
    score = Score(result.label, bool(result.classes), value, baseline, result.test_rows)
    return [asdict(finding) for finding in find_too_good(score, importance[0]["feature"])]


def _find_in_table(data: Split, result: TrainingResult) -> list[Json]:
    """Findings about label and features; the column of the split may be neither."""
    used = {*data.kinds, result.label}
    columns = {name: column for name, column in data.table.columns.items() if name in used}
    return find_all(replace(data.table, columns=columns), result.label, bool(result.classes))


def _find_in_split(data: Split, spec: Json) -> Iterator[Finding]:
    """At most one finding, about the first column of dates."""
    dates = [name for name, kind in data.kinds.items() if kind == "date"]
    if spec["split"]["by"] == "random" and dates:
        moments = data.table.columns[dates[0]].cells.to_numpy()
        yield from find_in_split(dates[0], moments[data.parts.training], moments[data.parts.test])


def _recipe(result: TrainingResult, calibration_rows: int, data_sha256: str) -> Json:
    """The data, settings and versions that reproduce the model."""
    return {
        "data_sha256": data_sha256,
        "spec": result.spec,
        "params": result.params,
        "seed": result.spec["seed"],
        "train_fraction": result.spec["train_fraction"],
        "stratified": result.stratified,
        "rows": result.rows,
        "training_rows": result.training_rows,
        "calibration_rows": calibration_rows,
        "test_rows": result.test_rows,
        "versions": result.versions,
    }


def _describe_values(column: Column, encoding: Encoding) -> Json:
    if column.kind == "text":
        return {"categories": list(encoding.texts[column.name])}
    cells = feature_frame([column])[column.name]
    span = {"minimum": _to_plain(cells.min(), column), "maximum": _to_plain(cells.max(), column)}
    return {**span, "whole": column.whole} if column.kind == "number" else span


def _to_plain(cell: Any, column: Column) -> str | int | float | None:  # Any: pandas has many types
    if pd.isna(cell):
        return None
    if column.kind == "date":
        return str(cell.isoformat()).removesuffix("T00:00:00")
    if column.kind == "text":
        return str(cell)
    return int(cell) if column.whole else float(cell)


def _positions_of(encoding: Encoding, features: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """The columns of each feature in a prepared row."""
    widths = [(name, 1) for name in encoding.numbers] + [(name, DATE_PARTS) for name in encoding.dates]
    widths += [(name, len(categories)) for name, categories in encoding.texts.items()]
    positions: dict[str, Sequence[int]] = {}
    begin = 0
    for name, width in widths:
        positions[name] = range(begin, begin + width)
        begin += width
    return {name: positions[name] for name in features}
