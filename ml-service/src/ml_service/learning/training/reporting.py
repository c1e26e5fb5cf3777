"""The report on a model, made while its rows are at hand."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors.encoding import DATE_PARTS, Encoding
from ml_service.learning.reports.contents import describe
from ml_service.learning.reports.evidence import Evidence, Json
from ml_service.learning.reports.findings import find_all
from ml_service.learning.reports.learning import Fitted
from ml_service.learning.tables import Table
from ml_service.learning.training.calibrating import HeldOut
from ml_service.learning.training.compiling import Compiled
from ml_service.learning.training.fitting import fit
from ml_service.learning.training.frames import Labels
from ml_service.learning.training.results import TrainingResult
from ml_service.learning.training.spec import TrainingSpec


@dataclass(frozen=True, slots=True)
class Learnt:
    """A fit: what it was made from, and what it came to."""

    table: Table
    rows: Matrix
    labels: Labels
    compiled: Compiled
    held_out: HeldOut
    strangeness: Matrix


def report_on(learnt: Learnt, result: TrainingResult, csv_path: Path) -> Json:
    spec, held_out = TrainingSpec.from_json(result.spec), learnt.held_out
    evidence = Evidence(
        task=result.task,
        classes=result.classes,
        metrics=result.metrics,
        baseline=result.baseline,
        rows=held_out.rows,
        labels=held_out.labels,
        scores=held_out.scores,
        test_rows=result.test_rows,
        score=learnt.compiled.score,
        places=places_of(learnt.compiled.encoding, spec.features),
        strangeness=learnt.strangeness,
    )
    fitted = Fitted(
        learnt.rows,
        learnt.labels,
        lambda rows, labels: fit(spec, result.task, rows, labels)[0],
    )
    findings = find_all(learnt.table, spec.label, bool(result.classes))
    return {
        "type": result.model_type,
        "task": result.task,
        "label": result.label,
        **describe(evidence, fitted, findings),
        "recipe": _recipe(result, len(held_out.rows), csv_path),
    }


def places_of(encoding: Encoding, features: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """Which numbers of a prepared row each original column has become, in the order's order."""
    widths = [(name, 1) for name in encoding.numbers] + [(name, DATE_PARTS) for name in encoding.dates]
    widths += [(name, len(categories)) for name, categories in encoding.texts.items()]
    places: dict[str, Sequence[int]] = {}
    begin = 0
    for name, width in widths:
        places[name] = range(begin, begin + width)
        begin += width
    return {name: places[name] for name in features}


def _recipe(result: TrainingResult, calibration_rows: int, csv_path: Path) -> Json:
    """All that it takes to train the same model again."""
    with csv_path.open("rb") as file:
        data = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "data_sha256": data,
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
