"""Everything that can go wrong in ml-service and that a caller is told."""

from kit.errors import ServiceError


class DatasetNotFound(ServiceError):
    status = 404
    code = "dataset_not_found"

    def __init__(self) -> None:
        super().__init__("You have no dataset with this id; GET /v1/datasets lists yours.")


class DatasetInUse(ServiceError):
    status = 409
    code = "dataset_in_use"

    def __init__(self) -> None:
        super().__init__("A job is training on this dataset; wait for it or cancel it, then delete.")


class DatasetTooLarge(ServiceError):
    status = 413
    code = "dataset_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The file is larger than {limit} bytes; send fewer rows.", limit=limit)


class DatasetQuotaReached(ServiceError):
    status = 409
    code = "dataset_quota_reached"

    def __init__(self, most: int, most_bytes: int) -> None:
        super().__init__(
            f"You may have {most} datasets of {most_bytes} bytes together; delete some, then try again.",
            most_datasets=most,
            most_bytes=most_bytes,
        )


class FileMissing(ServiceError):
    status = 422
    code = "file_missing"

    def __init__(self, field: str) -> None:
        super().__init__(f"The form has no file in its field '{field}'; attach a CSV file there.")


class FormMalformed(ServiceError):
    status = 400
    code = "form_malformed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class UploadInterrupted(ServiceError):
    status = 400
    code = "upload_interrupted"

    def __init__(self) -> None:
        super().__init__("The upload ended before the whole file had arrived; send it again.")


class NotATable(ServiceError):
    status = 415
    code = "not_a_table"

    def __init__(self) -> None:
        super().__init__(
            "Send the file as multipart/form-data, or as the body with Content-Type text/csv, "
            "application/gzip or application/vnd.apache.parquet."
        )


class ReaderDied(ServiceError):
    status = 422
    code = "reader_died"

    def __init__(self) -> None:
        super().__init__(
            "The file could not be worked through; nothing was charged. Send it in smaller parts."
        )


class ModelNotFound(ServiceError):
    status = 404
    code = "model_not_found"

    def __init__(self) -> None:
        super().__init__("You have no model of this name; GET /v1/models lists yours.")


class ModelNameTaken(ServiceError):
    status = 409
    code = "model_name_taken"

    def __init__(self) -> None:
        super().__init__("You already have a model of this name; choose another or delete that one.")


class JobNotFound(ServiceError):
    status = 404
    code = "job_not_found"

    def __init__(self) -> None:
        super().__init__("You have no job with this id; GET /v1/jobs lists yours.")


class JobEnded(ServiceError):
    status = 409
    code = "job_ended"

    def __init__(self) -> None:
        super().__init__("This job has ended and cannot be cancelled any more.")


class ResultPending(ServiceError):
    status = 409
    code = "result_pending"

    def __init__(self) -> None:
        super().__init__("This job has not ended; follow it, and fetch its result when it has succeeded.")


class NoResult(ServiceError):
    """There is nothing to download, and there will not be."""

    status = 404
    code = "no_result"


class BudgetTooSmall(ServiceError):
    status = 422
    code = "budget_too_small"

    def __init__(self, budget: int, required: int) -> None:
        super().__init__(
            f"The budget is {budget} tokens and at least {required} are needed; raise it.",
            budget=budget,
            required=required,
        )


class TrainingFailed(ServiceError):
    """A training that someone waited for did not succeed; nothing was charged."""

    status = 422
    code = "training_failed"


class TrainingCancelled(ServiceError):
    status = 409
    code = "training_cancelled"

    def __init__(self) -> None:
        super().__init__("The training was cancelled; nothing was charged.")


class BillingUnavailable(ServiceError):
    status = 503
    code = "billing_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "Tokens cannot be held at the moment, so nothing was done or charged; please retry.",
            headers={"Retry-After": "1"},
        )


class AccountDeleted(ServiceError):
    status = 403
    code = "account_deleted"

    def __init__(self) -> None:
        super().__init__("This account was deleted; nothing can be added to it.")


class ModelNameUnusable(ServiceError):
    status = 422
    code = "model_name_unusable"

    def __init__(self) -> None:
        super().__init__("The model's name has no letter or digit in it; choose another.")


class FieldMissing(ServiceError):
    status = 422
    code = "field_missing"

    def __init__(self, field: str) -> None:
        super().__init__(f"The form lacks the field '{field}'; add it.", field=field)


class FieldUnusable(ServiceError):
    status = 422
    code = "field_unusable"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"The form's field '{field}' {rule}.", field=field)
