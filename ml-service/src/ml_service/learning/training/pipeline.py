"""Training pipeline of a worker: read, split, prepare, fit, compile, score, report, save."""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import psutil
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ml_service.learning.findings.labels import task_note
from ml_service.learning.model_types import Task, get_model_type, parse
from ml_service.learning.model_types.registry import AnyModelType
from ml_service.learning.predictors.artefacts import (
    ARRAYS,
    DOCUMENT,
    FORMAT,
    MAX_MODEL_BYTES,
    REPORT,
    Sizes,
)
from ml_service.learning.predictors.calibration import SAME_WIDTH, IntervalShape, least_label
from ml_service.learning.reports.partial_fits import TrainingSet, interval_shape
from ml_service.learning.tables import DEFAULT_LIMITS, CsvLimits, read_stored_table
from ml_service.learning.training.compilation import CompiledModel, compile_pipeline
from ml_service.learning.training.errors import FitFailed, FitTooLarge, ModelTooLarge, PartTooSmall
from ml_service.learning.training.memory import USABLE_SHARE
from ml_service.learning.training.metrics import score, score_baseline
from ml_service.learning.training.preparation import (
    Labels,
    Rows,
    Split,
    fit_preparation,
    make_preparation,
    split,
)
from ml_service.learning.training.results import (
    TrainingResult,
    describe_features,
    example_features,
    library_versions,
    report_on,
)
from ml_service.learning.training.saving import ArtefactWriter, hash_file
from ml_service.learning.training.spec import TrainingSpec

ReportStage = Callable[[str], object]
CheckBytes = Callable[[int], object]

FILES_AT_ONCE = 2
# Enough for an idle machine, few enough for one whose workers all fit forests.
MOST_THREADS = 4
NOT_CONVERGED = (
    "The solver stopped after max_iter iterations before it converged; raise max_iter or scale the data."
)


@dataclass(frozen=True, slots=True)
class Requirements:
    """Limits of a training, and the SHA-256 of its file.

    `max_model_bytes` limits the files of the model, and its memory once it is loaded; `worker_bytes` is the
    memory limit of this process, None if there is none.
    """

    limits: CsvLimits = DEFAULT_LIMITS
    sha256: bytes | None = None
    max_model_bytes: int = MAX_MODEL_BYTES
    worker_bytes: int | None = None


def ignore_progress(_stage: str) -> None:
    pass


def train(
    path: Path,
    spec: TrainingSpec,
    directory: Path,
    report_stage: ReportStage = ignore_progress,
    required: Requirements = Requirements(),
) -> TrainingResult:
    """Train a model and save it in `directory`, which must not exist; reports the start of each stage."""
    report_stage("reading")
    table = read_stored_table(path, required.limits, spec.columns, spec.reading, required.sha256)
    data = split(table, spec)
    report_stage("preparing")
    preparation, rows = prepare(data.training, data, spec)
    report_stage("fitting")
    model_type = get_model_type(spec.model_type)
    check_bytes = partial(_check_during_fit, model_type, required)
    estimator, notes = fit(spec, data.plan.task, rows, data.training.labels, check_bytes)
    pipeline = Pipeline([("preparation", preparation), ("model", estimator)])
    report_stage("scoring")
    with threadpool_limits(1), ThreadPoolExecutor(FILES_AT_ONCE) as threads:
        training = _training_set(spec, data, rows)
        shape = _shape(data, training)
        compiled = compile_pipeline(spec.model_type, data.plan.task, pipeline, data.test, shape)
        sizes = Sizes(model_type.loaded_bytes(compiled.model), model_type.restored_bytes(compiled.model))
        _check_model(model_type, required, sizes.loaded)
        result = _describe(spec, data, pipeline, compiled, notes)
        if len(data.classes):
            # From here on, the pipeline predicts classes instead of their codes.
            estimator.classes_ = data.classes[estimator.classes_]
        writer = ArtefactWriter(directory, threads, required.max_model_bytes, model_type.advice)
        stripped = Pipeline([("preparation", preparation), ("model", model_type.strip(estimator))])
        writer.add_model(compiled.arrays(), stripped)
        report = report_on(data, training, compiled, result, required.sha256 or hash_file(path))
        result = replace(result, verdict=report["verdict"], task_note=task_note(report["findings"]))
        report_stage("saving")
        readings = {name: column.reading for name, column in data.table.columns.items()}
        encoding = replace(compiled.encoding, readings=readings, label=spec.label)
        document = {"format": FORMAT, "encoding": encoding.to_json(), **result.to_json()}
        writer.add_document(DOCUMENT, document)
        writer.add_document(REPORT, report)
        files = writer.finish()
        files[ARRAYS]["sizes"] = asdict(sizes)
        return replace(result, files=files)


def prepare(rows: Rows, data: Split, spec: TrainingSpec) -> tuple[Any, Any]:  # Any: scikit-learn's types
    """Fit a preparation on the rows; returns it with the prepared rows."""
    preparation = make_preparation(rows.frame, data.kinds, get_model_type(spec.model_type).scaled)
    return preparation, fit_preparation(preparation, rows.frame)


def fit(
    spec: TrainingSpec, task: Task, rows: Any, labels: Labels, check_bytes: CheckBytes | None = None
) -> tuple[Any, list[str]]:  # Any: as above
    """Fit an estimator; returns it with warnings about the fit.

    `check_bytes` receives the expected memory of the loaded model, if the type knows it before the end.
    """
    if task == "classification" and (labels == labels[0]).all():
        raise PartTooSmall("training", len(labels), len(labels) + 1)
    model_type = get_model_type(spec.model_type)
    parameters = model_type.adapt(parse(spec.model_type, spec.params), len(labels))
    estimator: Any = model_type.build(parameters, task, spec.seed)
    if model_type.threaded:
        estimator.n_jobs = min(joblib.cpu_count(), MOST_THREADS)
    if model_type.bounded:
        estimator.check_bytes = check_bytes
    # One core for all else: a fixed order of summation gives the same model everywhere.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always")
        try:
            estimator.fit(rows, labels)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise FitFailed from error
    if model_type.threaded:
        # One row needs no threads, and they would add up the trees in a random order.
        estimator.n_jobs = None
    stopped_early = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return estimator, [NOT_CONVERGED] if stopped_early else []


def _check_model(model_type: AnyModelType, required: Requirements, size: int) -> None:
    if size > required.max_model_bytes:
        raise ModelTooLarge(required.max_model_bytes, model_type.advice, size)


def _check_during_fit(model_type: AnyModelType, required: Requirements, size: int) -> None:
    """Raise for a model that will be too large, or that this process will be killed for when it loads it."""
    _check_model(model_type, required, size)
    needed = psutil.Process().memory_info().rss + size
    if required.worker_bytes is not None and needed > required.worker_bytes * USABLE_SHARE:
        raise FitTooLarge(needed, required.worker_bytes, model_type.advice)


def _training_set(spec: TrainingSpec, data: Split, rows: Any) -> TrainingSet:  # Any: scikit-learn's types
    def refit(some: Any, labels: Labels) -> Any:  # Any: as above
        return fit(spec, data.plan.task, some, labels)[0]

    return TrainingSet.of(rows, data.label_values(data.training.labels), refit)


def _shape(data: Split, training: TrainingSet) -> IntervalShape:
    """The shape of the intervals of a regression."""
    if data.plan.task == "classification":
        return SAME_WIDTH
    labels = np.concatenate([data.training.labels, data.test.labels])
    return replace(interval_shape(training), least=least_label(labels))


def _describe(
    spec: TrainingSpec, data: Split, pipeline: Pipeline, compiled: CompiledModel, notes: list[str]
) -> TrainingResult:
    plan, columns = data.plan, [data.table.columns[name] for name in spec.features]
    parameters = get_model_type(spec.model_type).adapt(
        parse(spec.model_type, spec.params), plan.training_rows
    )
    return TrainingResult(
        model_type=spec.model_type,
        task=plan.task,
        label=spec.label,
        classes=data.classes[pipeline.classes_].tolist() if len(data.classes) else [],
        params=parameters.model_dump(),
        metrics=score(pipeline, data.test.frame, data.test.labels, data.classes),
        baseline=score_baseline(data.training.labels, data.test.labels, data.classes),
        features=describe_features(columns, compiled.encoding),
        example={"features": example_features(columns)},
        rows=data.table.rows,
        training_rows=plan.training_rows,
        test_rows=plan.test_rows,
        stratified=plan.stratified,
        warnings=notes,
        verdict="",
        versions=library_versions(),
        spec=spec.to_json(),
        files={},
    )
