"""Refusals that have to do with datasets, jobs, models and predictions."""

from farebox.errors.by_status import (
    Conflict,
    InvalidInput,
    Malformed,
    NotFound,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
)


class DatasetNotFound(NotFound):
    code = "dataset_not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class JobNotFound(NotFound):
    code = "job_not_found"


class DatasetInUse(Conflict):
    """A job is training on this dataset."""

    code = "dataset_in_use"


class DatasetTooLarge(PayloadTooLarge):
    code = "dataset_too_large"


class DatasetQuotaReached(Conflict):
    """This account may not have more datasets, or not so many bytes of them; delete some."""

    code = "dataset_quota_reached"


class FileMissing(InvalidInput):
    code = "file_missing"


class FormMalformed(Malformed):
    code = "form_malformed"


class UploadInterrupted(Malformed):
    code = "upload_interrupted"


class NotATable(UnsupportedMediaType):
    code = "not_a_table"


class UnknownModelType(InvalidInput):
    code = "unknown_model_type"


class ModelNameTaken(Conflict):
    code = "model_name_taken"


class JobEnded(Conflict):
    """The job has ended and cannot be cancelled any more."""

    code = "job_ended"


class ResultPending(Conflict):
    """The job has not ended; wait for it, then fetch its result."""

    code = "result_pending"


class NoResult(NotFound):
    """The job has no file to fetch: it trained a model, did not succeed, or it was too long ago."""

    code = "no_result"


class TrainingFailed(InvalidInput):
    """The training did not succeed; nothing was charged."""

    code = "training_failed"


class TrainingCancelled(Conflict):
    code = "training_cancelled"


class BillingUnavailable(Unavailable):
    """Tokens cannot be held at the moment, so nothing was done or charged."""

    code = "billing_unavailable"


class ModelNameUnusable(InvalidInput):
    """Nothing usable is left of the name; use letters, digits, dots, dashes and underscores."""

    code = "model_name_unusable"


class FieldMissing(InvalidInput):
    code = "field_missing"


class ArtefactRefused(Conflict):
    """The stored model is not what was trained; train it again."""

    code = "artefact_refused"


class FieldUnusable(InvalidInput):
    code = "field_unusable"


class ReaderDied(InvalidInput):
    """The file could not be worked through, most likely for want of memory; send it in smaller parts."""

    code = "reader_died"


class BatchColumnMissing(InvalidInput):
    """The file lacks a column that the model was trained on."""

    code = "batch_column_missing"


class BatchColumnTaken(InvalidInput):
    """The file already has a column that the answer adds."""

    code = "batch_column_taken"
