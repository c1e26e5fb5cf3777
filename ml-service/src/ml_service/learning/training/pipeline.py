"""From an order and a file to a saved model: what a worker does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from kit.errors import ServiceError
from ml_service.learning.model_types import parse
from ml_service.learning.predictors.encoding import Encoding
from ml_service.learning.predictors.loading import DOCUMENT, FORMAT, REPORT
from ml_service.learning.tables import DEFAULT_LIMITS, CsvLimits, Kind, Table, profile, read_table
from ml_service.learning.training.artefacts import save
from ml_service.learning.training.calibrating import calibration_scores, hold_out
from ml_service.learning.training.compiling import arrays_of, compile_model
from ml_service.learning.training.descriptions import describe_features, example_features
from ml_service.learning.training.fitting import Part, fit, prepare, score, score_baseline
from ml_service.learning.training.frames import drop_missing, feature_frame, label_values
from ml_service.learning.training.reporting import Learnt, report_on
from ml_service.learning.training.results import TrainingResult, library_versions
from ml_service.learning.training.rules import Plan, check
from ml_service.learning.training.spec import TrainingSpec
from ml_service.learning.training.splitting import split

Report = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Material:
    """A table taken apart for an order."""

    table: Table
    plan: Plan
    whole: Part
    training: Part
    test: Part
    kinds: dict[str, Kind]


def run(
    csv_path: str,
    spec: Mapping[str, Any],  # Any: JSON
    out_dir: str,
    report_progress: Report | None = None,
    limits: CsvLimits = DEFAULT_LIMITS,
) -> dict[str, Any]:  # Any: JSON
    """`train` in plain values: {"result": ...} or {"error": {"code", "detail", "members"}}."""
    try:
        order = TrainingSpec.from_json(spec)
        return {"result": train(Path(csv_path), order, Path(out_dir), report_progress, limits).to_json()}
    except ServiceError as error:
        return {"error": {"code": error.code, "detail": error.detail, "members": error.members}}


def train(
    csv_path: Path,
    spec: TrainingSpec,
    out_dir: Path,
    report_progress: Report | None = None,
    limits: CsvLimits = DEFAULT_LIMITS,
) -> TrainingResult:
    """Train a model and save it in `out_dir`, which must not exist; tells each stage as it begins."""
    report = report_progress or _tell_nobody
    report("reading")
    table = read_table(csv_path, limits, {*spec.features, spec.label}, spec.kinds)
    material = take_apart(table, spec)
    report("preparing")
    prepared, rows = prepare(material.training, material.kinds, spec.model_type)
    report("fitting")
    estimator, warnings = fit(spec, material.plan.task, rows, material.training.labels)
    pipeline = Pipeline([("preparation", prepared), ("model", estimator)])
    report("scoring")
    with threadpool_limits(1):
        compiled = compile_model(spec.model_type, material.plan.task, prepared, estimator)
        held_out = hold_out(material.test, prepared, compiled.score)
        result = _tell(spec, material, pipeline, compiled.encoding, warnings)
        strangeness = calibration_scores(held_out, result.classes)
        learnt = Learnt(material.table, rows, material.training.labels, compiled, held_out, strangeness)
        told = report_on(learnt, result, csv_path)
    result = replace(result, verdict=told["verdict"])
    report("saving")
    document = {"format": FORMAT, "encoding": compiled.encoding.to_json(), **result.to_json()}
    documents = {DOCUMENT: document, REPORT: told}
    return replace(result, files=save(out_dir, documents, arrays_of(compiled, strangeness), pipeline))


def take_apart(table: Table, spec: TrainingSpec) -> Material:
    """The rows of each part, and what was decided on the way; raises what `check` does."""
    plan = check(profile(table), spec)
    table = drop_missing(table, spec.label)
    whole = Part(feature_frame(table, spec.features), label_values(table.columns[spec.label], plan.task))
    training, test = (
        Part(whole.frame.iloc[rows], whole.labels[rows]) for rows in split(whole.labels, plan, spec)
    )
    kinds: dict[str, Kind] = {name: table.columns[name].kind for name in spec.features}
    return Material(table, plan, whole, training, test, kinds)


def _tell(
    spec: TrainingSpec, material: Material, pipeline: Pipeline, encoding: Encoding, warnings: list[str]
) -> TrainingResult:
    plan, frame = material.plan, material.whole.frame
    columns = [material.table.columns[name] for name in spec.features]
    return TrainingResult(
        model_type=spec.model_type,
        task=plan.task,
        label=spec.label,
        classes=pipeline.classes_.tolist() if plan.task == "classification" else [],
        params=parse(spec.model_type, spec.params).model_dump(),
        metrics=score(pipeline, plan.task, material.test),
        baseline=score_baseline(plan.task, material.training, material.test),
        features=describe_features(columns, frame, encoding),
        example={"features": example_features(columns, frame)},
        rows=len(frame),
        training_rows=plan.training_rows,
        test_rows=plan.test_rows,
        stratified=plan.stratified,
        warnings=warnings,
        verdict="",
        versions=library_versions(),
        spec=spec.to_json(),
        files={},
    )


def _tell_nobody(stage: str) -> None:
    """Without somebody to hear of progress."""
