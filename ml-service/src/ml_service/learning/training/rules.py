"""Whether an order fits a table, decided before anything is charged."""

from collections.abc import Mapping
from dataclasses import dataclass

from ml_service.learning.model_types import Task, get_model_type, parse
from ml_service.learning.tables import ColumnProfile, Kind, TableProfile
from ml_service.learning.tables.profiles import MOST_COUNTED
from ml_service.learning.training.errors import (
    ClassTooSmall,
    ConstantLabel,
    DateLabel,
    EmptyColumn,
    LabelNotClasses,
    LabelNotNumeric,
    MissingLabels,
    PartTooSmall,
    SingleClass,
    SolverTakesTwoClasses,
    TaskNotOffered,
    TooManyClasses,
    TooManyNeighbours,
    UnknownColumn,
)
from ml_service.learning.training.spec import TrainingSpec, check_alone

ANY_TASK: frozenset[Task] = frozenset({"classification", "regression"})
FEW_VALUES = 10
ROWS_PER_VALUE = 5
FEWEST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What an order comes to on a table; `classes` is 0 in regression."""

    task: Task
    training_rows: int
    test_rows: int
    classes: int
    stratified: bool


def check(profile: TableProfile, spec: TrainingSpec) -> Plan:
    """The plan, or the first thing that keeps this order from being carried out."""
    check_alone(spec)
    label = _check_columns(profile, spec)
    if label.missing and spec.missing_label == "refuse":
        raise MissingLabels(label.name, label.missing)
    rows = profile.rows - label.missing
    task = choose_task(label, rows, spec)
    classes = _check_classes(label) if task == "classification" else _check_varies(label)
    training_rows = int(spec.train_fraction * rows)
    test_rows = rows - training_rows
    for part, size in (("training", training_rows), ("test", test_rows)):
        if size < FEWEST_ROWS:
            raise PartTooSmall(part, size, FEWEST_ROWS)
    _check_parameters(spec, training_rows, classes)
    return Plan(task, training_rows, test_rows, classes, 0 < classes <= min(training_rows, test_rows))


def choose_task(label: ColumnProfile, rows: int, spec: TrainingSpec) -> Task:
    """What the order asks for, or what its model type does with such a label."""
    offered = get_model_type(spec.model_type).tasks
    if spec.task != "auto" and spec.task not in offered:
        raise TaskNotOffered(spec.model_type, spec.task)
    few = _is_few_whole(label)
    asked = spec.task if spec.task != "auto" else _usual_task(offered, label, few, rows)
    if asked == "regression":
        if label.kind != "number":
            raise LabelNotNumeric(label.name, spec.model_type)
        return "regression"
    if label.kind == "number" and not (few or (spec.task == "classification" and _is_classes(label))):
        raise LabelNotClasses(label.name)
    return "classification"


def check_label(profile: TableProfile, label: str) -> ColumnProfile:
    """The label's column, if it can be one."""
    if label not in profile.columns:
        raise UnknownColumn("label", label)
    column = profile.columns[label]
    if column.kind == "empty":
        raise EmptyColumn(label)
    if column.kind == "date":
        raise DateLabel(label)
    return column


def learns_classes(label: ColumnProfile, rows: int) -> bool:
    """Whether most types take such a label for classes rather than for numbers."""
    return _usual_task(ANY_TASK, label, _is_few_whole(label), rows) == "classification"


def check_kinds(profile: TableProfile, kinds: Mapping[str, Kind]) -> None:
    """Raise for columns that there are not, or that nothing can be read of."""
    for name in kinds:
        if name not in profile.columns:
            raise UnknownColumn("corrected", name)
        if profile.columns[name].kind == "empty":
            raise EmptyColumn(name)


def _usual_task(offered: frozenset[Task], label: ColumnProfile, few: bool, rows: int) -> Task:
    if len(offered) == 1:
        return next(iter(offered))
    if label.kind == "text":
        return "classification"
    values = len(label.value_counts or ())
    return "classification" if few and (values == 2 or rows >= ROWS_PER_VALUE * values) else "regression"


def _is_classes(label: ColumnProfile) -> bool:
    return label.whole and label.value_counts is not None


def _is_few_whole(label: ColumnProfile) -> bool:
    return label.whole and label.value_counts is not None and len(label.value_counts) <= FEW_VALUES


def _check_columns(profile: TableProfile, spec: TrainingSpec) -> ColumnProfile:
    for name in spec.features:
        if name not in profile.columns:
            raise UnknownColumn("feature", name)
        if profile.columns[name].kind == "empty":
            raise EmptyColumn(name)
    return check_label(profile, spec.label)


def _check_classes(label: ColumnProfile) -> int:
    if label.value_counts is None:
        raise TooManyClasses(label.name, MOST_COUNTED)
    if len(label.value_counts) == 1:
        raise SingleClass(label.name)
    alone = label.value_counts.count(1)
    if alone:
        raise ClassTooSmall(label.name, alone)
    return len(label.value_counts)


def _check_varies(label: ColumnProfile) -> int:
    if label.value_counts is not None and len(label.value_counts) == 1:
        raise ConstantLabel(label.name)
    return 0


def _check_parameters(spec: TrainingSpec, training_rows: int, classes: int) -> None:
    chosen = parse(spec.model_type, spec.params).model_dump()
    neighbours = chosen.get("n_neighbors", 0)
    if neighbours > training_rows:
        raise TooManyNeighbours(neighbours, training_rows)
    if chosen.get("solver") == "liblinear" and classes > 2:
        raise SolverTakesTwoClasses(spec.label)
