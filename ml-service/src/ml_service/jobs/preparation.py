"""New jobs: their owner, payer and hold, and the table of a training."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from kit.digests import fingerprint
from kit.errors import Forbidden
from kit.identity import Caller
from kit.log_fields import current_fields
from ml_service.challenge_orm import Challenge
from ml_service.jobs.rules import JobKind, context_of
from ml_service.jobs.settlement import FIRST_TTL_SECONDS
from ml_service.jobs.specs import TrainingJobRequest
from ml_service.learning.challenges.metric_rules import task_of
from ml_service.learning.tables import TableProfile
from ml_service.learning.training.memory import Room
from ml_service.orm import Dataset, Job


@dataclass(frozen=True, slots=True)
class Table:
    """The dataset of a new training; `insert` stores or locks it in the transaction that inserts the job.

    `sent` marks a file that came with the request: a retry is recognised by the file, whose dataset may have
    been deleted since. Work on the dataset of a challenge is paid in its group.
    """

    dataset: Dataset
    insert: Callable[[AsyncSession], Awaitable[Dataset]]
    sent: bool = False
    challenge: Challenge | None = None

    def fingerprint(self, request: TrainingJobRequest) -> bytes:
        if not self.sent:
            return fingerprint(request.to_json())
        return fingerprint(self.dataset.sha256.hex(), replace(request, dataset_id=0).to_json())


def new_training(
    caller: Caller, request: TrainingJobRequest, table: Table, key: str | None, room: Room
) -> Job:
    """Raises the first error that makes the training impossible."""
    dataset, challenge = table.dataset, table.challenge
    if challenge is not None:
        task = task_of(challenge.metric) if request.task == "auto" else request.task
        request = replace(request, label=request.label or challenge.label, task=task)
    job_spec = request.to_job_spec(TableProfile.from_json(dataset.profile), room)
    job = Job(
        kind=JobKind.TRAIN,
        model_type=request.model_type,
        rows=dataset.row_count,
        model_name=request.name_model(caller.user_id, datetime.now(UTC)),
        units=job_spec.units,
        spec=job_spec.spec,
        idempotency_key=key,
    )
    return prepare_job(caller, job) if challenge is None else prepare_challenge_job(caller, job, challenge)


def prepare_free_job(caller: Caller, job: Job) -> Job:
    """Set the owner and the request."""
    job.user_id, job.tokens_held = caller.user_id, 0
    job.request_id = current_fields().get("request_id")
    return job


def prepare_job(caller: Caller, job: Job) -> Job:
    """Set the owner, the request, the payer and the key of the hold."""
    prepare_free_job(caller, job)
    job.hold_key = f"{job.kind}:{uuid4().hex}"
    job.hold_until = datetime.now(UTC) + timedelta(seconds=FIRST_TTL_SECONDS)
    job.group_id = caller.group_id
    if caller.api_key is not None:
        job.api_key_id, job.api_key_cap = caller.api_key.id, caller.api_key.usage_cap
    return job


def prepare_challenge_job(caller: Caller, job: Job, challenge: Challenge) -> Job:
    """The same for work on a challenge, which its group pays. Raises Forbidden for another payer."""
    if caller.group_id not in (None, challenge.group_id):
        raise Forbidden(
            f"Work on this challenge is paid in its group {challenge.group_id}; name no other group, and use "
            "no API key of another one."
        )
    prepare_job(replace(caller, group_id=challenge.group_id), job)
    job.challenge_id, job.context = challenge.id, context_of(challenge.id)
    return job
