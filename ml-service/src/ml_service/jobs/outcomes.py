"""The error that a job's end means to a caller who waited for it."""

from kit.errors import InternalError, ServiceError, from_document
from ml_service.base import Json
from ml_service.billing.port import CANNOT_PAY
from ml_service.errors import TrainingCancelled, TrainingFailed
from ml_service.jobs.models import Job
from ml_service.jobs.rules import JobState

# Rows written before errors were stored with their status.
STATUS_OF_CODE = {kind.code: kind.status for kind in CANNOT_PAY}


def raise_unless_succeeded(job: Job) -> None:
    if job.state is JobState.CANCELLED:
        raise TrainingCancelled
    if job.error is not None:
        raise error_of(job.error)


def error_of(stored: Json) -> ServiceError:
    """The error as the worker or billing-service raised it; a bug of ours is a failed training."""
    status = STATUS_OF_CODE.get(stored["code"], InternalError.status)
    error = from_document({"status": status, **stored})
    return TrainingFailed(stored["detail"]) if error.status >= InternalError.status else error
