"""Service of submissions: freeze a model for a challenge, list, select and void submissions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database, Json
from kit.digests import fingerprint
from kit.identity import Caller, UserId
from kit.pagination import PageRequest
from ml_service.billing.port import Billing
from ml_service.challenge_errors import (
    ChallengeFrozen,
    ChallengeNotFound,
    ModelNotEligible,
    SubmissionLimitReached,
    SubmissionNotFound,
)
from ml_service.challenge_orm import Submission
from ml_service.challenges.access import ChallengeOf, see, state_of
from ml_service.challenges.repository import ChallengeRepository, SeenChallenge
from ml_service.challenges.rules import WHOLE, ChallengeState, day_of, end_of_day
from ml_service.errors import ModelNotFound
from ml_service.groups.access import require_active
from ml_service.jobs.preparation import prepare_challenge_job
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import JobKind, may_cancel
from ml_service.jobs.service import JobService
from ml_service.jobs.settlement import holding_job
from ml_service.learning.predictors.artefacts import check_stored_files
from ml_service.models.repository import ModelRepository
from ml_service.models.rules import is_model_name
from ml_service.orm import Job, Model
from ml_service.store.fair_slots import FairSlots
from ml_service.store.outputs import Artefacts
from ml_service.store.threads import run_in_thread
from ml_service.submissions.reading import find_seen, scored_all, scored_one
from ml_service.submissions.repository import SlotRepository, SubmissionRepository
from ml_service.submissions.rules import VOID, check_model, check_open, digest_of
from ml_service.submissions.schemas import ScoredSubmission

# Artefacts whose files are read at once, for all members of a class that submits in the last seconds.
CHECKS, WAITING_PER_USER, WAITING_CHECKS = 2, 100, 5000
CHECK_SECONDS = 60.0

log = structlog.stdlib.get_logger()


class SubmittedBefore(Exception):
    """Another request has submitted the same artefact meanwhile."""


@dataclass(frozen=True)
class SubmissionService:
    database: Database
    billing: Billing
    jobs: JobService
    artefacts: Artefacts
    checks: FairSlots = field(
        default_factory=lambda: FairSlots(CHECKS, WAITING_PER_USER, WAITING_CHECKS), init=False
    )

    async def submit(self, caller: Caller, challenge_id: int, model_name: str) -> ScoredSubmission:
        """Slot, row, job and hold of one submission: all of it or nothing.

        The same artefact gets the first answer and takes no slot. All is checked before anything counts, and
        the slots once more in the transaction. The time is that of the first query: a submission before
        the end is in time, however long the check of the files takes.
        """
        wanted = ChallengeOf(caller.user_id, challenge_id)
        async with self.database.read() as session:
            seen = await see(session, wanted)
            model = await _find_model(session, caller, model_name)
            digest = digest_of(model.files or {}) if model.challenge_id == challenge_id else b""
            first = await SubmissionRepository(session).find_same(challenge_id, caller.user_id, digest)
            if first is not None:
                return await scored_one(session, seen, first, replayed=True)
            check_open(state_of(seen), seen.challenge.late)
            require_active(seen.membership)
            _check_eligible(seen, model)
            await _check_slots(session, seen, caller)
        await self._check_artefact(caller, model)
        job = Job(
            kind=JobKind.SCORE,
            model_name=model.name,
            units=1,
            fingerprint=fingerprint(challenge_id, digest.hex()),
        )
        prepare_challenge_job(caller, job, seen.challenge)
        try:
            async with (
                holding_job(self.billing, job),
                self.database.transaction_of(caller.user_id) as session,
            ):
                submitted = await self._insert(session, seen, model, job)
        except SubmittedBefore:
            async with self.database.read() as session:
                first = await SubmissionRepository(session).find_same(challenge_id, caller.user_id, digest)
                if first is None:
                    raise SubmissionNotFound from None
                return await scored_one(session, seen, first, replayed=True)
        log.info("submission_accepted", submission=submitted.submission.id, job=job.id, model=model.name)
        return submitted

    async def get(self, caller: Caller, submission_id: int) -> ScoredSubmission:
        async with self.database.read() as session:
            submission, seen = await find_seen(session, caller, submission_id)
            return await scored_one(session, seen, submission)

    async def list_page(
        self, caller: Caller, challenge_id: int, page: PageRequest
    ) -> Sequence[ScoredSubmission]:
        """Own submissions; for owners and assistants those of all."""
        async with self.database.read() as session:
            seen = await see(session, ChallengeOf(caller.user_id, challenge_id))
            user_id = None if seen.is_staff else caller.user_id
            rows = await SubmissionRepository(session).list_page(challenge_id, user_id, page)
            return await scored_all(session, seen, rows)

    async def select(
        self, caller: Caller, challenge_id: int, ids: Sequence[int]
    ) -> Sequence[ScoredSubmission]:
        """Let only these count on the final board. Raises ChallengeFrozen after the end."""
        async with self.database.transaction_of(caller.user_id) as session:
            seen = await ChallengeRepository(session).find_shared(caller.user_id, challenge_id)
            if seen is None:
                raise ChallengeNotFound
            if state_of(seen) is not ChallengeState.OPEN:
                raise ChallengeFrozen("A selection can be changed while the challenge is open.")
            repository = SubmissionRepository(session)
            chosen = await repository.list_own(challenge_id, caller.user_id, ids)
            if len(chosen) != len(set(ids)) or any(each.state == VOID or each.late for each in chosen):
                raise SubmissionNotFound
            await repository.select_only(challenge_id, caller.user_id, ids)
            for each in chosen:
                await session.refresh(each)
            return await scored_all(session, seen, chosen)

    async def void(self, caller: Caller, submission_id: int, reason: str) -> ScoredSubmission:
        """Take a submission off the boards, as staff; its slot stays used. A running job is cancelled."""
        async with self.database.transaction_of(caller.user_id) as session:
            submission, seen = await find_seen(session, caller, submission_id, staff=True)
            if state_of(seen) is ChallengeState.FINAL:
                raise ChallengeFrozen("The challenge is final, so its boards stay as they are.")
            jobs = JobRepository(session)
            # The job is locked first, as by the replica that ends it.
            job = await jobs.lock(submission.job_id)
            locked = await SubmissionRepository(session).find_locked(submission_id)
            if locked is None:
                raise SubmissionNotFound
            await session.refresh(locked)
            if locked.state != VOID:
                if job is not None and may_cancel(job.state, job.result is not None):
                    await jobs.request_cancel(job, seen.now)
                locked.state, locked.void_reason, locked.voided_by = VOID, reason, caller.user_id
                await session.flush()
            log.info("submission_voided", submission=submission_id, user=caller.user_id)
            return await scored_one(session, seen, locked)

    async def _check_artefact(self, caller: Caller, model: Model) -> None:
        """Raises ArtefactRefused for a file that is missing or changed."""
        assert model.artefact is not None  # noqa: S101 - of a ready model
        stored = (self.artefacts.store_url, self.artefacts.key(model.artefact), model.files or {})
        async with self.checks.slot(caller.user_id):
            await run_in_thread(check_stored_files, *stored, seconds=CHECK_SECONDS)

    async def _insert(
        self, session: AsyncSession, first_seen: SeenChallenge, model: Model, job: Job
    ) -> ScoredSubmission:
        wanted = ChallengeOf(UserId(job.user_id), first_seen.challenge.id)
        now_seen = await ChallengeRepository(session).find_shared(*wanted)
        if now_seen is None:
            raise ChallengeNotFound
        seen = now_seen._replace(now=first_seen.now)
        late = check_open(state_of(seen), seen.challenge.late)
        # A deletion of the model waits, and then keeps the artefact of the submission.
        if not await ModelRepository(session).lock_artefact(model.id):
            raise ModelNotFound
        values = _values_of(seen, wanted, model, late=late)
        submission = await SubmissionRepository(session).add(values)
        if submission is None:
            raise SubmittedBefore
        left = await _take_slots(session, seen, submission)
        job.spec = {"submission_id": submission.id}
        await self.jobs.add(session, job)
        submission.job_id = job.id
        await session.flush()
        return await scored_one(session, seen, submission, slots_left=left)


def _values_of(seen: SeenChallenge, wanted: ChallengeOf, model: Model, *, late: bool) -> Json:
    return {
        "challenge_id": wanted.challenge_id,
        "user_id": wanted.user_id,
        "model_name": model.name,
        "artefact": model.artefact,
        "files": model.files,
        "artefact_sha256": digest_of(model.files or {}),
        "size_bytes": model.size_bytes,
        "accepted_at": seen.now,
        "day": day_of(seen.now, seen.group.time_zone),
        "late": late,
    }


def _check_eligible(seen: SeenChallenge, model: Model) -> None:
    if model.challenge_id != seen.challenge.id:
        raise ModelNotEligible(
            f"This model was not trained on challenge {seen.challenge.id}; train one with its challenge_id."
        )
    check_model(model.description or {}, seen.challenge.label, seen.challenge.metric)


async def _find_model(session: AsyncSession, caller: Caller, name: str) -> Model:
    model = await ModelRepository(session).find(caller.user_id, name) if is_model_name(name) else None
    if model is None:
        raise ModelNotFound
    return model


async def _check_slots(session: AsyncSession, seen: SeenChallenge, caller: Caller) -> None:
    """Refuse before tokens are held what the transaction would refuse, too."""
    slots = SlotRepository(session, seen.challenge.id, caller.user_id)
    for period, limit, refuse in _limits(seen):
        if await slots.used(period) >= limit:
            raise refuse()


async def _take_slots(session: AsyncSession, seen: SeenChallenge, submission: Submission) -> int:
    """Take a slot of the day and one of all; returns how many are left today."""
    slots = SlotRepository(session, submission.challenge_id, submission.user_id)
    left: list[int] = []
    for period, limit, refuse in _limits(seen):
        if not await slots.take(period, limit):
            raise refuse()
        left.append(limit - await slots.used(period))
    return min(left)


def _limits(
    seen: SeenChallenge,
) -> Sequence[tuple[str, int, Callable[[], SubmissionLimitReached]]]:
    challenge, zone = seen.challenge, seen.group.time_zone
    midnight = end_of_day(seen.now, zone).astimezone(UTC).isoformat().replace("+00:00", "Z")
    total, daily = challenge.slots_total, challenge.slots_per_day
    return (
        (WHOLE, total, lambda: SubmissionLimitReached(total, None)),
        (day_of(seen.now, zone), daily, lambda: SubmissionLimitReached(daily, midnight)),
    )
