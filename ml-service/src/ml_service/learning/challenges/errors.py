"""Errors of a challenge's tasks: a closed list, without a cell, a category or the number of a row."""

from kit.errors import ServiceError


class SplitError(ServiceError):
    """The table cannot be split as requested."""

    status = 422


class SplitValuesUnknown(SplitError):
    code = "split_values_unknown"

    def __init__(self) -> None:
        super().__init__(
            "The column of the split must have the values train, public and private, and no others; correct "
            "it, or split by shares."
        )


class EqualRowsApart(SplitError):
    code = "equal_rows_apart"

    def __init__(self) -> None:
        super().__init__(
            "Rows with equal features are in different parts of the split, so their labels are known; put "
            "them in one part, or split by shares."
        )


class ClassOnlyHidden(SplitError):
    code = "class_only_hidden"

    def __init__(self) -> None:
        super().__init__(
            "The hidden rows have a class that the rows to train on lack; split so that each class is among "
            "them."
        )


class PartsTooSmall(SplitError):
    code = "parts_too_small"

    def __init__(self, fewest: int) -> None:
        super().__init__(
            f"Each part of the split needs at least {fewest} different rows with a label; use more rows or "
            "other shares.",
            fewest=fewest,
        )


class MetricUndefined(SplitError):
    code = "metric_undefined"

    def __init__(self) -> None:
        super().__init__(
            "The metric is not defined on one of the hidden parts, which lacks a class or has one value; use "
            "larger parts or another metric."
        )


class SplitFailed(SplitError):
    code = "split_failed"

    def __init__(self) -> None:
        super().__init__(
            "The dataset could not be split; check that it can be trained on, then publish again."
        )


# Codes of a scoring that has failed; the first one is the submitter's, the others are our failures.
MODEL_REFUSED, HIDDEN_ROWS_REFUSED, SCORE_UNDEFINED, SCORING_FAILED = (
    *("model_refused", "hidden_rows_refused"),
    *("score_undefined", "scoring_failed"),
)
SCORING_CODES = (MODEL_REFUSED, HIDDEN_ROWS_REFUSED, SCORE_UNDEFINED, SCORING_FAILED)
