"""What every new job's row begins with."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from structlog.contextvars import get_contextvars

from kit.identity import Caller
from ml_service.jobs.models import Job
from ml_service.work.charges import FIRST_TTL_SECONDS


def written_for(caller: Caller, job: Job) -> Job:
    """With whose it is, who asked for it, and the key under which its tokens will be held."""
    job.user_id = caller.user_id
    job.request_id = get_contextvars().get("request_id")
    job.hold_key = f"{job.kind}:{uuid4().hex}"
    job.hold_until = datetime.now(UTC) + timedelta(seconds=FIRST_TTL_SECONDS)
    job.tokens_held = 0
    if caller.api_key is not None:
        job.api_key_id, job.api_key_cap = caller.api_key.id, caller.api_key.usage_cap
    return job
