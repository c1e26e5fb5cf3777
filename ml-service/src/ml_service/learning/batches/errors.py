"""Refusals of a batch's file beside those of any table."""

from kit.errors import ServiceError


class BatchColumnMissing(ServiceError):
    status = 422
    code = "batch_column_missing"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"The file lacks the column '{column}', which the model was trained on; add it.", column=column
        )


class BatchColumnTaken(ServiceError):
    status = 422
    code = "batch_column_taken"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"The file already has a column '{column}', which the answer adds; rename it.", column=column
        )


BATCH_ERRORS: tuple[type[ServiceError], ...] = (BatchColumnMissing, BatchColumnTaken)
