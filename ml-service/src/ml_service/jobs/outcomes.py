"""What a job's end means to someone who waited for it."""

from kit.errors import InternalError, ServiceError
from ml_service.base import Json
from ml_service.errors import (
    NotEnoughTokens,
    TokenCapReached,
    TrainingCancelled,
    TrainingFailed,
    WalletNotFound,
)
from ml_service.jobs.models import Job
from ml_service.jobs.rules import JobState
from ml_service.learning import training


def raise_unless_succeeded(job: Job) -> None:
    if job.state is JobState.CANCELLED:
        raise TrainingCancelled
    if job.error is not None:
        raise error_of(job.error)


def error_of(described: Json) -> ServiceError:
    """The error as it would have been raised here."""
    code, members = described["code"], described["members"]
    if code == NotEnoughTokens.code:
        return NotEnoughTokens(members["required"], members["available"])
    if code == TokenCapReached.code:
        return TokenCapReached()
    if code == WalletNotFound.code:
        return WalletNotFound()
    error = training.rebuild(code, described["detail"], members)
    return TrainingFailed(described["detail"]) if isinstance(error, InternalError) else error
