"""What a batch's job has made, for its owner to fetch."""

from ml_service.billing.port import Receipt
from ml_service.errors import NoResult, ResultPending
from ml_service.jobs.models import Job
from ml_service.jobs.rules import JobKind, has_ended
from ml_service.predictions.once import Answered


def answer_of(job: Job) -> Answered:
    """As if the batch had been waited for. Raises ResultPending or NoResult."""
    if job.kind != JobKind.BATCH:
        raise NoResult("This job trains a model and has no file to fetch; ask for the model instead.")
    if not has_ended(job.state):
        raise ResultPending
    if job.result is None or job.receipt_id is None:
        raise NoResult(
            f"This job has {job.state}, so there is no result and it cost nothing; order it again."
        )
    return Answered(job.result, Receipt(job.receipt_id, job.tokens_charged, job.balance_after or 0))
