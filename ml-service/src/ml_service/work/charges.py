"""The charge of a job, the same whichever replica asks."""

from kit.identity import ApiKey, ApiKeyId, UserId
from ml_service.billing.port import Charge, HoldKey
from ml_service.jobs.models import Job
from ml_service.jobs.rules import JobKind

# A job that nobody has heard of can hold tokens for a minute; one that is in the database keeps them.
FIRST_TTL_SECONDS = 60
TTL_SECONDS = 600


def charge_of(job: Job) -> Charge:
    api_key = None
    if job.api_key_id is not None:
        api_key = ApiKey(ApiKeyId(job.api_key_id), frozenset(), job.api_key_cap)
    return Charge(
        key=HoldKey(job.hold_key),
        user_id=UserId(job.user_id),
        action="batch" if job.kind == JobKind.BATCH else "train",
        units=job.units,
        ttl_seconds=FIRST_TTL_SECONDS,
        resource=job.model_name,
        api_key=api_key,
    )
