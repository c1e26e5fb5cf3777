"""Refusals of prediction requests and of a model's files."""

from kit.errors import ServiceError

LONGEST_NAME = 100


class FeatureError(ServiceError):
    """`row` counts the request's rows from 1."""

    status = 422
    code = "invalid_feature"

    def __init__(self, feature: str, row: int, sentence: str) -> None:
        feature = feature[:LONGEST_NAME]
        super().__init__(f"Row {row}, '{feature}': {sentence}", feature=feature, row=row)


class MissingFeature(FeatureError):
    code = "missing_feature"

    def __init__(self, feature: str, row: int) -> None:
        super().__init__(feature, row, "This feature is missing; send it, or null if its value is unknown.")


class UnknownFeature(FeatureError):
    code = "unknown_feature"

    def __init__(self, feature: str, row: int) -> None:
        super().__init__(feature, row, "The model has no such feature; leave it out.")


class PredictionTooLarge(ServiceError):
    """`limit` is the number of rows that the model takes at once."""

    status = 413
    code = "prediction_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"This model takes at most {limit} rows at once; send fewer, or a file to its batch route.",
            limit=limit,
        )


class NoProbabilities(ServiceError):
    status = 422
    code = "no_probabilities"

    def __init__(self) -> None:
        super().__init__(
            "This model predicts numbers, which have no probabilities; request a coverage instead."
        )


class CoverageTooHigh(ServiceError):
    """`largest` is the highest possible coverage, rounded down to hundredths."""

    status = 422
    code = "coverage_too_high"

    def __init__(self, rows: int, largest: float) -> None:
        super().__init__(
            f"This model was tested on {rows} rows, which are enough for a coverage of at most {largest}; "
            "choose that or less, or train with a larger test part.",
            largest=largest,
        )


class ArtefactRefused(ServiceError):
    status = 409
    code = "artefact_refused"

    def __init__(self) -> None:
        super().__init__(
            "This model's files have changed since the training, so they are not used; train it again."
        )


PREDICTION_ERRORS: tuple[type[ServiceError], ...] = (
    FeatureError,
    MissingFeature,
    UnknownFeature,
    PredictionTooLarge,
    NoProbabilities,
    CoverageTooHigh,
    ArtefactRefused,
)
