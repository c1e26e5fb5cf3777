"""Rules of training specs: checks against a table's profile, before anything is charged."""

from dataclasses import dataclass

from ml_service.learning.model_types import Task, TrainingTable, get_model_type, parse
from ml_service.learning.tables import ColumnProfile, Reading, TableProfile
from ml_service.learning.tables.profile import MOST_COUNTED
from ml_service.learning.training.errors import (
    ClassTooSmall,
    ConstantLabel,
    DateLabel,
    EmptyColumn,
    LabelNotClasses,
    LabelNotNumeric,
    LeftOutColumn,
    MissingLabels,
    NeedsDecision,
    PartTooSmall,
    SingleClass,
    TaskNotOffered,
    TooManyClasses,
    TrainingError,
    UnknownColumn,
)
from ml_service.learning.training.spec import TrainingSpec
from ml_service.learning.training.split_rules import check_split

ANY_TASK: frozenset[Task] = frozenset({"classification", "regression"})
FEW_VALUES = 10
ROWS_PER_VALUE = 5
FEWEST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """The task, the sizes of both parts and the split of a training; `classes` is 0 in regression.

    The sizes are only about right before a split by a column has put its rows together.
    """

    task: Task
    training_rows: int
    test_rows: int
    classes: int
    stratified: bool


def check(profile: TableProfile, spec: TrainingSpec) -> Plan:
    """The plan of a training; raises the first fault of the spec."""
    model_type, parameters = get_model_type(spec.model_type), parse(spec.model_type, spec.params)
    plan = make_plan(profile, spec, model_type.tasks)
    model_type.check(parameters, TrainingTable(spec.label, plan.training_rows, plan.classes))
    return plan


def make_plan(profile: TableProfile, spec: TrainingSpec, tasks: frozenset[Task] = ANY_TASK) -> Plan:
    """The plan of a training with any model type that offers these tasks."""
    spec.check_columns()
    label = _check_columns(profile, spec)
    check_split(profile, spec)
    if label.missing and spec.missing_label == "refuse":
        raise MissingLabels(label.name, label.missing)
    rows = profile.rows - label.missing
    task = choose_task(label, rows, spec, tasks)
    classes = _check_classes(label) if task == "classification" else _check_varies(label)
    training_rows = int(spec.train_fraction * rows)
    test_rows = rows - training_rows
    for part, size in (("training", training_rows), ("test", test_rows)):
        if size < FEWEST_ROWS:
            raise PartTooSmall(part, size, FEWEST_ROWS)
    stratified = spec.split.by == "random" and 0 < classes <= min(training_rows, test_rows)
    return Plan(task, training_rows, test_rows, classes, stratified)


def choose_task(label: ColumnProfile, rows: int, spec: TrainingSpec, tasks: frozenset[Task]) -> Task:
    """The task of the spec, or the usual one for the label among the offered tasks."""
    if spec.task != "auto" and spec.task not in tasks:
        raise TaskNotOffered(spec.model_type, spec.task)
    task = spec.task if spec.task != "auto" else _usual_task(tasks, label, rows)
    if task == "regression":
        if label.kind != "number":
            raise LabelNotNumeric(label.name, can_classify="classification" in tasks)
        return "regression"
    if not may_be_classes(label):
        raise LabelNotClasses(label.name, MOST_COUNTED, can_regress="regression" in tasks)
    return "classification"


def check_label(profile: TableProfile, label: str) -> ColumnProfile:
    """The label's column; raises if it cannot be a label."""
    if label not in profile.columns:
        raise _absence(profile, "label", label)
    column = profile.columns[label]
    if column.kind == "empty":
        raise EmptyColumn(label)
    if column.kind == "date":
        raise DateLabel(label)
    return column


def is_classification(label: ColumnProfile, rows: int) -> bool:
    """True if the usual task for the label is classification."""
    return _usual_task(ANY_TASK, label, rows) == "classification"


def check_reading(profile: TableProfile, reading: Reading) -> None:
    """Raise for settings of columns that do not exist, and for types of columns without values."""
    for name, setting in reading.columns.items():
        if name not in profile.header:
            raise UnknownColumn("corrected", name)
        is_empty = name in profile.columns and profile.columns[name].kind == "empty"
        keeps_words = setting.missing is None and reading.missing is None
        if is_empty and keeps_words and setting.type not in {None, "omitted"}:
            raise EmptyColumn(name)


def may_be_classes(label: ColumnProfile) -> bool:
    """True for text, and for whole numbers with few enough different values to count each."""
    return label.kind == "text" or (label.whole and label.value_counts is not None)


def _usual_task(offered: frozenset[Task], label: ColumnProfile, rows: int) -> Task:
    if len(offered) == 1:
        return next(iter(offered))
    if label.kind == "text":
        return "classification"
    values = len(label.value_counts or ())
    few = may_be_classes(label) and values <= FEW_VALUES
    return "classification" if few and (values == 2 or rows >= ROWS_PER_VALUE * values) else "regression"


def _check_columns(profile: TableProfile, spec: TrainingSpec) -> ColumnProfile:
    for name in spec.features:
        if name not in profile.columns:
            raise _absence(profile, "feature", name)
        if profile.columns[name].kind == "empty":
            raise EmptyColumn(name)
        _check_decided(profile.columns[name])
    label = check_label(profile, spec.label)
    _check_decided(label)
    return label


def _absence(profile: TableProfile, role: str, name: str) -> TrainingError:
    if name in profile.header:
        return LeftOutColumn(name)
    has_header = profile.reading.header is not False
    return UnknownColumn(role, name, None if has_header else (profile.reading.skip_top or 0) + 1)


def _check_decided(column: ColumnProfile) -> None:
    if column.decision is not None:
        raise NeedsDecision(column.name, column.decision)


def _check_classes(label: ColumnProfile) -> int:
    if label.value_counts is None:
        raise TooManyClasses(label.name, MOST_COUNTED)
    if len(label.value_counts) == 1:
        raise SingleClass(label.name)
    single_rows = label.value_counts.count(1)
    if single_rows:
        raise ClassTooSmall(label.name, single_rows, can_regress=label.kind == "number")
    return len(label.value_counts)


def _check_varies(label: ColumnProfile) -> int:
    if label.value_counts is not None and len(label.value_counts) == 1:
        raise ConstantLabel(label.name)
    return 0
