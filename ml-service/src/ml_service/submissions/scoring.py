"""Job that scores a submission on the hidden rows; our failures void it and return its slot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Json
from ml_service.challenge_orm import Challenge, ChallengeRevision, Submission
from ml_service.challenges.repository import ChallengeRepository
from ml_service.challenges.rules import WHOLE
from ml_service.jobs.cluster import ClusterTask, run_task
from ml_service.jobs.context import JobContext, KindOfJob, Outcome
from ml_service.jobs.rules import GiveUp, JobKind, Retry
from ml_service.learning.challenges.errors import (
    HIDDEN_ROWS_REFUSED,
    MODEL_REFUSED,
    SCORE_UNDEFINED,
    SCORING_FAILED,
)
from ml_service.learning.challenges.metric_rules import metric_named
from ml_service.learning.challenges.scoring import FrozenModel, HiddenPart, ScoringTask
from ml_service.learning.challenges.tasks import score_on_hidden_rows
from ml_service.orm import Job
from ml_service.submissions.repository import ScoreRepository, SlotRepository, SubmissionRepository
from ml_service.submissions.rules import ACCEPTED, SCORED, VOID

HIDDEN = ("public", "private")
GONE = GiveUp("submission_gone", "The submission was deleted; submit the model again.")
RETURNED = "the submission is void, and its slot was returned."
DETAILS: Mapping[str, str] = {
    MODEL_REFUSED: f"The files of the model are not those that were submitted; {RETURNED}",
    HIDDEN_ROWS_REFUSED: f"The hidden rows are not those of the publication; {RETURNED}",
    SCORE_UNDEFINED: f"The metric is not defined for this model; {RETURNED}",
    SCORING_FAILED: f"The model could not be scored; {RETURNED}",
}

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Scoring:
    @property
    def kind(self) -> KindOfJob:
        return KindOfJob(self.handle, self.succeed, self.fail)

    async def handle(self, context: JobContext) -> Outcome:
        """Score in the revision of the boards, and in a pending one. The result names the submission only."""
        async with context.worker.database.read() as session:
            submission = await SubmissionRepository(session).find_of_job(context.job.id)
            challenges = ChallengeRepository(session)
            challenge = await challenges.find(context.job.challenge_id)
            if submission is None or submission.artefact is None or challenge is None:
                return GONE
            revisions = await challenges.revisions(challenge.id)
        for revision in revisions:
            if revision.revision >= challenge.revision:
                outcome = await score(context, challenge, revision, [submission])
                if outcome is not None:
                    return outcome
        return {"submission_id": submission.id}

    async def succeed(self, session: AsyncSession, job: Job) -> None:
        submission = await SubmissionRepository(session).find_of_job(job.id, lock=True)
        if submission is not None and submission.state == ACCEPTED:
            submission.state = SCORED
            await session.flush()

    async def fail(self, session: AsyncSession, job: Job) -> None:
        """Void the submission and return its slot, unless staff have voided it."""
        submission = await SubmissionRepository(session).find_of_job(job.id, lock=True)
        if submission is None or submission.state != ACCEPTED:
            return
        submission.state = VOID
        submission.void_reason = (
            job.error["detail"] if job.error is not None else "The scoring was cancelled."
        )
        await session.flush()
        await ScoreRepository(session).delete(submission.id)
        slots = SlotRepository(session, submission.challenge_id, submission.user_id)
        for period in (WHOLE, submission.day):
            await slots.give_back(period)


async def score(
    context: JobContext,
    challenge: Challenge,
    revision: ChallengeRevision,
    submissions: Sequence[Submission],
) -> GiveUp | Retry | None:
    """Score submissions on a worker and store their scores; returns the first failure."""
    worker = context.worker
    async with worker.database.read() as session:
        parts = await ChallengeRepository(session).parts(challenge.id, revision.revision)
    if not set(HIDDEN) <= parts.keys():
        # A pending revision whose rows are not written yet scores this submission later.
        return None
    hidden = tuple(HiddenPart(name, parts[name].location, parts[name].sha256) for name in HIDDEN)
    models = [
        FrozenModel(worker.artefacts.key(each.artefact), each.files)
        for each in submissions
        if each.artefact is not None and each.files is not None
    ]
    task = ClusterTask(
        key=f"{context.name}-{revision.revision}-{submissions[0].id}",
        function=score_on_hidden_rows,
        arguments=(
            ScoringTask(worker.files.url, hidden, challenge.label, metric_named(revision.metric)),
            models,
        ),
        attempts=context.job.attempts,
        time_limit=worker.time_limit,
        kind=JobKind.SCORE,
    )
    outcome = await run_task(worker.cluster, task, context.progress.report_stage)
    if isinstance(outcome, GiveUp | Retry):
        return outcome
    return await _store(context, revision, submissions, outcome["scores"])


async def _store(
    context: JobContext,
    revision: ChallengeRevision,
    submissions: Sequence[Submission],
    scores: Sequence[Json],
) -> GiveUp | None:
    failure: GiveUp | None = None
    async with context.worker.leases() as leases:
        await leases.get_leased(context.job.id, context.lease)
        repository = ScoreRepository(leases.session)
        for submission, scored in zip(submissions, scores, strict=True):
            if "code" in scored:
                failure = failure or GiveUp(scored["code"], DETAILS[scored["code"]])
            else:
                await repository.save(submission.id, revision.revision, scored)
    return failure
