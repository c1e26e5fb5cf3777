"""The report on a model, computed while its rows are in memory."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ml_service.learning.findings.labels import find_all
from ml_service.learning.predictors.encoding import DATE_PARTS, Encoding
from ml_service.learning.reports.evaluation import Evaluation
from ml_service.learning.reports.learning_curve import TrainingSet
from ml_service.learning.reports.report import make_report
from ml_service.learning.tables import Json
from ml_service.learning.training.compilation import CompiledModel
from ml_service.learning.training.preparation import Split
from ml_service.learning.training.results import TrainingResult


def report_on(
    data: Split, training: TrainingSet, compiled: CompiledModel, result: TrainingResult, path: Path
) -> Json:
    calibration = compiled.calibration
    evaluation = Evaluation(
        task=result.task,
        classes=result.classes,
        metrics=result.metrics,
        baseline=result.baseline,
        rows=calibration.rows,
        labels=calibration.labels,
        scores=calibration.scores,
        test_rows=result.test_rows,
        score=compiled.score,
        positions=positions_of(compiled.encoding, list(data.kinds)),
        nonconformity=calibration.nonconformity,
    )
    findings = find_all(data.table, result.label, bool(result.classes))
    return {
        "type": result.model_type,
        "task": result.task,
        "label": result.label,
        **make_report(evaluation, training, findings),
        "recipe": _recipe(result, len(calibration.rows), path),
    }


def positions_of(encoding: Encoding, features: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """The positions in a prepared row of the numbers that each feature became."""
    widths = [(name, 1) for name in encoding.numbers] + [(name, DATE_PARTS) for name in encoding.dates]
    widths += [(name, len(categories)) for name, categories in encoding.texts.items()]
    positions: dict[str, Sequence[int]] = {}
    begin = 0
    for name, width in widths:
        positions[name] = range(begin, begin + width)
        begin += width
    return {name: positions[name] for name in features}


def _recipe(result: TrainingResult, calibration_rows: int, path: Path) -> Json:
    """Everything that is needed to train the same model again."""
    with path.open("rb") as file:
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
