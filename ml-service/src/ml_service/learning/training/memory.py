"""Estimates of a training's memory from a table's profile, before anything is charged.

They are lower bounds, so that nothing is refused that would fit. Measured with tables of 20,000 to 400,000
rows, the preparation of categories peaks at 2.14 matrices of training rows and 35 MB, that of numbers at
more. What a fit and its model take beside the matrix is estimated by the model types.
"""

import math
from dataclasses import dataclass

from ml_service.learning.model_types import ModelType, Parameters, TrainingTable, get_model_type, parse
from ml_service.learning.predictors.encoding import DATE_PARTS
from ml_service.learning.tables import ColumnProfile, TableProfile
from ml_service.learning.training.errors import FitTooLarge, ModelTooLarge
from ml_service.learning.training.rules import Plan
from ml_service.learning.training.spec import TrainingSpec

MOST_CATEGORIES = 50
NUMBER_BYTES = 8
# An idle worker with the libraries of a fit; measured 166 MB.
WORKER_BYTES = 150_000_000
# Copies of the matrix at the peak of its preparation.
PREPARED_COPIES = 2
# Dask's nanny kills a worker at this share of its limit.
USABLE_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Room:
    """The memory limit of a worker, None if it has none or is unknown, and that of a loaded model."""

    worker_bytes: int | None = None
    model_bytes: int | None = None


UNLIMITED = Room()


def check_room(profile: TableProfile, spec: TrainingSpec, plan: Plan, room: Room) -> None:
    """Raise FitTooLarge or ModelTooLarge for a training that cannot fit, however its table is distributed."""
    model_type, parameters = get_model_type(spec.model_type), parse(spec.model_type, spec.params)
    table = describe(profile, spec, plan)
    needed = least_worker_bytes(model_type, parameters, table)
    if room.worker_bytes is not None and needed > room.worker_bytes * USABLE_SHARE:
        raise FitTooLarge(needed, room.worker_bytes, model_type.advice)
    model = model_type.least_model_bytes(parameters, table)
    if room.model_bytes is not None and model > room.model_bytes:
        raise ModelTooLarge(room.model_bytes, model_type.advice, model)


def least_worker_bytes(
    model_type: ModelType[Parameters], parameters: Parameters, table: TrainingTable
) -> int:
    """The least memory of a worker at the peak of the training."""
    fit = table.matrix_bytes + model_type.least_fit_bytes(parameters, table)
    return WORKER_BYTES + max(PREPARED_COPIES * table.matrix_bytes, fit)


def describe(profile: TableProfile, spec: TrainingSpec, plan: Plan) -> TrainingTable:
    """The facts that estimates need."""
    features = [profile.columns[name] for name in spec.features]
    return TrainingTable(
        spec.label,
        plan.training_rows,
        plan.classes,
        width=sum(_width(column) for column in features),
        distinct_rows=int(min(plan.training_rows, math.prod(map(_most_values, features)))),
        varied_label=plan.task == "regression" and profile.columns[spec.label].value_counts is None,
    )


def _width(column: ColumnProfile) -> int:
    """The number of its columns in a prepared row."""
    if column.kind == "text":
        known = MOST_CATEGORIES if column.value_counts is None else len(column.value_counts)
        return min(known, MOST_CATEGORIES)
    return DATE_PARTS if column.kind == "date" else 1


def _most_values(column: ColumnProfile) -> float:
    """The number of distinct cells, with that of the missing ones; infinite if they were not counted."""
    return math.inf if column.value_counts is None else len(column.value_counts) + 1
