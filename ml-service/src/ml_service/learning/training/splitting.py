"""Split into training and test part: at random, in time, or by groups that no two parts share.

A random split puts test rows between training rows in time, and rows of one person or machine into both
parts: the metrics are then too good for later rows, and for other people and machines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    StratifiedKFold,
    TimeSeriesSplit,
    train_test_split,
)

from ml_service.learning.tables import Column, Json
from ml_service.learning.training.errors import OneClassInTraining, PartTooSmall, TooFewGroups
from ml_service.learning.training.rules import FEWEST_ROWS, Plan
from ml_service.learning.training.spec import TrainingSpec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Labels = npt.NDArray[Any]  # Any: codes of classes, or numbers
Positions = npt.NDArray[np.int64]
# The time or the group of each row.
Keys = npt.NDArray[Any]  # Any: numbers of several types
Fold = tuple[Positions, Positions]


@dataclass(frozen=True, slots=True)
class Parts:
    """Positions of the rows of each part, shuffled, with the keys of all rows; `facts` describe the split."""

    training: Positions
    test: Positions
    keys: Keys | None
    facts: Json


def split_rows(spec: TrainingSpec, column: Column | None, labels: Labels, plan: Plan) -> Parts:
    """Split by the spec; `column` is the one that it names."""
    if column is None:
        training, test = train_test_split(
            np.arange(len(labels)),
            train_size=spec.train_fraction,
            random_state=spec.seed,
            stratify=labels if plan.stratified else None,
        )
        return Parts(np.asarray(training), np.asarray(test), None, {})
    by_time = spec.split.by == "time"
    keys = _moments(column) if by_time else _groups(column)
    training, test = _split_in_time(keys, spec) if by_time else _split_groups(keys, spec)
    for name, rows in (("training", training), ("test", test)):
        if len(rows) < FEWEST_ROWS:
            raise PartTooSmall(name, len(rows), FEWEST_ROWS)
    require_classes(spec, plan, labels[training])
    facts = _time_facts(column, keys, training, test) if by_time else _group_facts(keys, training, test)
    # Reports take the first rows of a part for a sample of it.
    generator = np.random.default_rng(spec.seed)
    return Parts(generator.permutation(training), generator.permutation(test), keys, facts)


def require_classes(spec: TrainingSpec, plan: Plan, labels: Labels) -> None:
    """Raise if the labels to fit on are all of one class."""
    if plan.task == "classification" and (labels == labels[0]).all():
        raise OneClassInTraining(spec.label)


def folds_of(spec: TrainingSpec, parts: Parts, labels: Labels, plan: Plan, folds: int) -> Iterator[Fold]:
    """Folds of the training part, given its labels, by the kind of split that made the part."""
    if parts.keys is None:
        stratified = plan.task == "classification" and np.unique_counts(labels).counts.max() >= folds
        splitter = (StratifiedKFold if stratified else KFold)(folds, shuffle=True, random_state=spec.seed)
        yield from splitter.split(labels, labels)
        return
    keys = parts.keys[parts.training]
    if spec.split.by == "time":
        order = np.argsort(keys, kind="stable")
        for fitted, tested in TimeSeriesSplit(folds).split(order):
            yield order[fitted], order[tested]
        return
    groups = len(np.unique(keys))
    if groups < folds:
        raise TooFewGroups(spec.split.column or "", groups, folds, "its training part")
    yield from GroupKFold(folds, shuffle=True, random_state=spec.seed).split(labels, groups=keys)


def _split_in_time(moments: Keys, spec: TrainingSpec) -> Fold:
    """The latest rows are the test part; rows of one moment stay together."""
    order = np.argsort(moments, kind="stable")
    wanted = int(spec.train_fraction * len(order))
    moment = moments[order[wanted]]
    ends = [int(np.searchsorted(moments[order], moment, side)) for side in ("left", "right")]
    nearest = sorted(ends, key=lambda end: abs(end - wanted))
    cut = next((end for end in nearest if FEWEST_ROWS <= end <= len(order) - FEWEST_ROWS), nearest[0])
    return order[:cut], order[cut:]


def _split_groups(groups: Keys, spec: TrainingSpec) -> Fold:
    splitter = GroupShuffleSplit(1, train_size=spec.train_fraction, random_state=spec.seed)
    try:
        training, test = next(splitter.split(groups, groups=groups))
    except ValueError as error:
        # Rows without a label were left out, and groups with them.
        raise TooFewGroups(spec.split.column or "", len(np.unique(groups)), 2) from error
    return np.asarray(training), np.asarray(test)


def _moments(column: Column) -> Keys:
    if column.kind != "date":
        return column.cells.to_numpy()
    return column.cells.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy()


def _groups(column: Column) -> Keys:
    return column.cells.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)


def _time_facts(column: Column, moments: Keys, training: Positions, test: Positions) -> Json:
    last, first = moments[training].max().item(), moments[test].min().item()
    return {"training_until": _moment(last, column), "test_from": _moment(first, column)}


def _moment(key: float, column: Column) -> str | float:
    if column.kind != "date":
        return key
    moment = EPOCH + timedelta(microseconds=int(key))
    return moment.replace(tzinfo=None).isoformat().removesuffix("T00:00:00")


def _group_facts(groups: Keys, training: Positions, test: Positions) -> Json:
    return {
        "training_groups": len(np.unique(groups[training])),
        "test_groups": len(np.unique(groups[test])),
    }
