"""Refusals of training specs; every sentence names the column and the remedy."""

from typing import Any

from kit.errors import ServiceError
from ml_service.learning.model_types import types_for
from ml_service.learning.tables import Decision

LONGEST_NAME = 100
UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class TrainingError(ServiceError):
    """Base class of refusals of a training spec that does not fit its table."""

    status = 422
    code = "training_refused"


class InvalidSpec(TrainingError):
    code = "invalid_training_spec"


class NoFeatures(TrainingError):
    code = "no_features"

    def __init__(self) -> None:
        super().__init__("Name at least one feature column.")


class DuplicateFeature(TrainingError):
    code = "duplicate_feature"

    def __init__(self, column: str) -> None:
        column = column[:LONGEST_NAME]
        super().__init__(f"The feature '{column}' is named twice; name it once.", column=column)


class LabelAmongFeatures(TrainingError):
    code = "label_among_features"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"'{column}' is the label and a feature; take it out of the features.", column=column
        )


class UnknownColumn(TrainingError):
    """`first_row` is the line of a file's first row if the file has no header."""

    code = "unknown_column"

    def __init__(self, role: str, column: str, first_row: int | None = None) -> None:
        column = column[:LONGEST_NAME]
        where = "is not in the file's header; check its spelling"
        if first_row is not None:
            where = f"does not exist: line {first_row} has data in the place of names; add a line of names"
        super().__init__(f"The {role} column '{column}' {where}.", column=column)


class EmptyColumn(TrainingError):
    code = "empty_column"

    def __init__(self, column: str) -> None:
        super().__init__(f"The column '{column}' has no values at all; leave it out.", column=column)


class LeftOutColumn(TrainingError):
    code = "left_out_column"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"The column '{column}' is left out by the reading of the dataset; set its type to use it.",
            column=column,
        )


class NeedsDecision(TrainingError):
    """`places` are the first lines, or rows, of the cells to decide about."""

    code = "needs_decision"

    def __init__(self, column: str, decision: Decision) -> None:
        where: dict[str, Any] = dict(zip([decision.place], decision.places, strict=False))  # Any: a member
        begin = "".join(f"{name.capitalize()} {place}, " for name, place in where.items())
        cells = "1 cell is" if decision.cells == 1 else f"{decision.cells} cells are"
        super().__init__(
            f"{begin}column '{column}': {cells} text in a column of {decision.type}s. Correct them in the "
            "file, or decide in the dataset's reading: such cells missing, the column text, or left out.",
            column=column,
            count=decision.cells,
            places=list(decision.places),
            **where,
        )


class MissingLabels(TrainingError):
    code = "missing_labels"

    def __init__(self, column: str, count: int) -> None:
        rows = "1 row has" if count == 1 else f"{count} rows have"
        super().__init__(
            f"{rows} no value in the label column '{column}'; fill them in or remove those rows.",
            column=column,
            count=count,
        )


class DateLabel(TrainingError):
    code = "date_label"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"The label '{column}' contains dates; choose a column of numbers or text.", column=column
        )


class LabelNotNumeric(TrainingError):
    code = "label_not_numeric"

    def __init__(self, column: str, *, can_classify: bool) -> None:
        advice = (
            "set the task to classification, or leave it at auto"
            if can_classify
            else f"choose {types_for('classification')}, which learn classes"
        )
        super().__init__(f"The label '{column}' is text, which cannot be regressed; {advice}.", column=column)


class LabelNotClasses(TrainingError):
    code = "label_not_classes"

    def __init__(self, column: str, most: int, *, can_regress: bool) -> None:
        advice = (
            "set the task to regression, or leave it at auto"
            if can_regress
            else f"choose {types_for('regression')}, which learn numbers"
        )
        super().__init__(
            f"The label '{column}' has fractional numbers, or over {most} different ones: "
            f"these are not classes; {advice}.",
            column=column,
        )


class TaskNotOffered(TrainingError):
    code = "task_not_offered"

    def __init__(self, model_type: str, task: str) -> None:
        super().__init__(f"{model_type} cannot do {task}; choose another type, or leave the task at auto.")


class TooManyClasses(TrainingError):
    code = "too_many_classes"

    def __init__(self, column: str, most: int) -> None:
        super().__init__(
            f"The label '{column}' has more than {most} classes; choose a label with fewer.", column=column
        )


class SingleClass(TrainingError):
    code = "single_class"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"Every row has the same class in '{column}'; there is nothing to distinguish.", column=column
        )


class ConstantLabel(TrainingError):
    code = "constant_label"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"Every row has the same number in '{column}'; there is nothing to learn.", column=column
        )


class ClassTooSmall(TrainingError):
    code = "class_too_small"

    def __init__(self, column: str, count: int, *, can_regress: bool) -> None:
        classes = "1 class has" if count == 1 else f"{count} classes have"
        advice = (
            f" To learn numbers instead, choose {types_for('regression')} and set the task to regression."
            if can_regress
            else ""
        )
        detail = f"{classes} a single row in '{column}'; each needs two, one to train on and one to test on."
        super().__init__(detail + advice, column=column, count=count)


class PartTooSmall(TrainingError):
    code = "part_too_small"

    def __init__(self, part: str, rows: int, needed: int) -> None:
        super().__init__(
            f"The {part} part would have {rows} rows and needs {needed}; send more rows or change the share.",
            part=part,
            rows=rows,
            needed=needed,
        )


class MissingSplitValues(TrainingError):
    code = "missing_split_values"

    def __init__(self, column: str, count: int) -> None:
        rows = "1 row has" if count == 1 else f"{count} rows have"
        super().__init__(
            f"{rows} no value in '{column}', by which the table is to be split; fill them in, remove those "
            "rows, or split by another column.",
            column=column,
            count=count,
        )


class SplitNotInTime(TrainingError):
    code = "split_not_in_time"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"'{column}' contains text, which has no order in time; split by a column of dates or numbers.",
            column=column,
        )


class TooFewGroups(TrainingError):
    code = "too_few_groups"

    def __init__(self, column: str, groups: int, needed: int, part: str = "the table") -> None:
        values = "1 different value" if groups == 1 else f"{groups} different values"
        super().__init__(
            f"'{column}' has {values} in {part} and a split by it needs {needed}; send more rows, or choose "
            "another column, another split or another training share.",
            column=column,
            groups=groups,
            needed=needed,
        )


class OneClassInTraining(TrainingError):
    code = "one_class_in_training"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"With this split, all rows to train on have the same class in '{column}'; choose a larger "
            "training share, or another split.",
            column=column,
        )


class ModelTooLarge(TrainingError):
    """`estimate` is the expected size of the model, None if its files have passed the limit."""

    code = "model_too_large"

    def __init__(self, limit: int, advice: str, estimate: int | None = None) -> None:
        size = "more" if estimate is None else f"about {in_words(estimate)}"
        super().__init__(
            f"The model would take {size} and may take {in_words(limit)}; {advice}.",
            limit=limit,
            estimate=estimate,
        )


class FitTooLarge(TrainingError):
    """`estimate` is the least memory that the training needs."""

    code = "fit_too_large"

    def __init__(self, estimate: int, limit: int, advice: str) -> None:
        super().__init__(
            f"The training would need at least {in_words(estimate)} of memory and a worker has "
            f"{in_words(limit)}; {advice}.",
            estimate=estimate,
            limit=limit,
        )


class FitFailed(TrainingError):
    code = "fit_failed"

    def __init__(self) -> None:
        super().__init__(
            "The model could not be fitted to this table with these parameters; change one of them."
        )


TRAINING_ERRORS: tuple[type[TrainingError], ...] = (TrainingError, *TrainingError.__subclasses__())


def in_words(size: int) -> str:
    """Bytes in the largest unit of which there is one, such as 1.5 GiB."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size / unit:.0f} {name}"
    return f"{size} bytes"
