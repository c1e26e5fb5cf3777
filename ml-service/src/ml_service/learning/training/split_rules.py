"""Rules of splits by a column: checks against a table's profile, before anything is charged."""

import math

from ml_service.learning.tables import TableProfile
from ml_service.learning.training.errors import (
    EmptyColumn,
    MissingSplitValues,
    NeedsDecision,
    SplitNotInTime,
    TooFewGroups,
    UnknownColumn,
)
from ml_service.learning.training.spec import TrainingSpec


def check_split(profile: TableProfile, spec: TrainingSpec, folds: int = 1) -> None:
    """Raise if the table cannot be split by the spec's column, and its training part into so many folds."""
    name = spec.split.column
    if name is None:
        return
    if name not in profile.columns:
        raise UnknownColumn("split", name)
    column = profile.columns[name]
    if column.kind == "empty":
        raise EmptyColumn(name)
    if column.decision is not None:
        raise NeedsDecision(name, column.decision)
    if column.missing:
        raise MissingSplitValues(name, column.missing)
    if spec.split.by == "time" and column.kind not in {"date", "number"}:
        raise SplitNotInTime(name)
    if column.value_counts is None:
        return  # over 100 values
    groups, needed = len(column.value_counts), _needed_groups(spec, folds)
    if groups < needed:
        raise TooFewGroups(name, groups, needed)


def _needed_groups(spec: TrainingSpec, folds: int) -> int:
    """Two times, or enough groups for one in each fold of the training part and one in the test part."""
    if spec.split.by == "time":
        return 2
    return max(folds + 1, math.ceil(folds / spec.train_fraction - 1e-9))
