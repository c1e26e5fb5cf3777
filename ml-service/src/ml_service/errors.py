"""Errors of ml-service; tables, training and predictors define their own."""

from kit.errors import ServiceError


class DatasetNotFound(ServiceError):
    status = 404
    code = "dataset_not_found"

    def __init__(self) -> None:
        super().__init__("You have no dataset with this id; list yours with GET /v1/datasets.")


class DatasetInUse(ServiceError):
    status = 409
    code = "dataset_in_use"

    def __init__(self) -> None:
        super().__init__("A job uses this dataset; wait until the job ends or cancel it, then retry.")


class DatasetTooLarge(ServiceError):
    status = 413
    code = "dataset_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The file is larger than {limit} bytes; split it into smaller files.", limit=limit)


class DatasetQuotaReached(ServiceError):
    status = 409
    code = "dataset_quota_reached"

    def __init__(self, most: int) -> None:
        super().__init__(f"The limit is {most} datasets; delete datasets, then retry.", most_datasets=most)


class FormMalformed(ServiceError):
    status = 400
    code = "form_malformed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class UploadInterrupted(ServiceError):
    status = 400
    code = "upload_interrupted"

    def __init__(self) -> None:
        super().__init__("The upload ended before the file was complete; send it again.")


class NotATable(ServiceError):
    status = 415
    code = "not_a_table"

    def __init__(self) -> None:
        super().__init__(
            "Send the file as multipart/form-data, or as the body with the Content-Type of its format: "
            "text/csv, application/gzip, application/vnd.apache.parquet, application/x-ndjson, that of a "
            "workbook, or application/octet-stream."
        )


class ModelNotFound(ServiceError):
    status = 404
    code = "model_not_found"

    def __init__(self) -> None:
        super().__init__("You have no model with this name; list yours with GET /v1/models.")


class ModelExceedsLimit(ServiceError):
    """The model was trained when no limit or a higher one applied."""

    status = 422
    code = "model_exceeds_limit"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"This model takes {size} bytes and at most {limit} can be loaded; train a smaller one.",
            size=size,
            limit=limit,
        )


class LoadLimitReached(ServiceError):
    status = 429
    code = "load_limit_reached"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"You used too many large models in turn; retry in {seconds} seconds, or use them one by one.",
            headers={"Retry-After": str(seconds)},
        )


class PredictionTimedOut(ServiceError):
    status = 422
    code = "prediction_timed_out"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The prediction took longer than {seconds:g} seconds, so it costs nothing; send fewer rows, or "
            "a file to the model's batch route.",
            seconds=seconds,
        )


class ModelNameTaken(ServiceError):
    status = 409
    code = "model_name_taken"

    def __init__(self) -> None:
        super().__init__("You already have a model with this name; choose another name or delete that model.")


class JobNotFound(ServiceError):
    status = 404
    code = "job_not_found"

    def __init__(self) -> None:
        super().__init__("You have no job with this id; list yours with GET /v1/jobs.")


class JobEnded(ServiceError):
    status = 409
    code = "job_ended"

    def __init__(self) -> None:
        super().__init__(
            "This job has ended and can no longer be cancelled; GET /v1/jobs/{id} shows its state."
        )


class TooManyJobsQueued(ServiceError):
    status = 429
    code = "too_many_jobs_queued"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"You already have {limit} jobs in the queue; wait until some have started, or cancel some.",
            headers={"Retry-After": "10"},
            limit=limit,
        )


class ResultPending(ServiceError):
    status = 409
    code = "result_pending"

    def __init__(self) -> None:
        super().__init__("This job has not ended; wait until it has succeeded, then fetch its result.")


class NoResult(ServiceError):
    """The job has no result, now or later."""

    status = 404
    code = "no_result"


class BudgetTooSmall(ServiceError):
    status = 422
    code = "budget_too_small"

    def __init__(self, budget: int, required: int) -> None:
        super().__init__(
            f"The budget is {budget} tokens but at least {required} are needed; raise the budget.",
            budget=budget,
            required=required,
        )


class TrainingFailed(ServiceError):
    """A training failed while the caller waited for it; nothing was charged."""

    status = 422
    code = "training_failed"

    def __init__(self, detail: str) -> None:
        super().__init__(f"{detail} Nothing was charged.")


class TrainingCancelled(ServiceError):
    status = 409
    code = "training_cancelled"

    def __init__(self) -> None:
        super().__init__(
            "The training was cancelled and nothing was charged; start a new one to get a model."
        )


class TrainingTimedOut(ServiceError):
    status = 503
    code = "training_timed_out"

    def __init__(self) -> None:
        super().__init__(
            "The training did not end before the time of this request; it was cancelled and nothing was "
            "charged. Retry later, or start it with POST /v1/models, which does not wait.",
            headers={"Retry-After": "60"},
        )


class BillingUnavailable(ServiceError):
    status = 503
    code = "billing_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "Tokens cannot be held at the moment, so nothing was charged; retry in a moment.",
            headers={"Retry-After": "1"},
        )


class AccountDeleted(ServiceError):
    status = 403
    code = "account_deleted"

    def __init__(self) -> None:
        super().__init__("This account was deleted; create a new account to upload files.")


class ModelNameUnusable(ServiceError):
    status = 422
    code = "model_name_unusable"

    def __init__(self) -> None:
        super().__init__("The model name has no letter or digit; choose another name.")


class FieldMissing(ServiceError):
    status = 422
    code = "field_missing"

    def __init__(self, field: str) -> None:
        super().__init__(f"The form has no field '{field}'; add it.", field=field)


class FieldUnusable(ServiceError):
    status = 422
    code = "field_unusable"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"The form's field '{field}' {rule}.", field=field)
