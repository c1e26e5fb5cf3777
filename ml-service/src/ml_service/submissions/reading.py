"""Submissions as a reader may see them: own ones, or all for staff, with scores once they are public."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import Caller
from ml_service.challenge_errors import SubmissionNotFound
from ml_service.challenge_orm import Submission
from ml_service.challenges.access import ChallengeOf, see
from ml_service.challenges.repository import ChallengeRepository, SeenChallenge
from ml_service.groups.access import STAFF
from ml_service.submissions.repository import ScoreRepository, SubmissionRepository
from ml_service.submissions.rules import ACCEPTED, SCORED
from ml_service.submissions.schemas import ScoredSubmission

DELETED_MEMBER = "deleted member"


async def find_seen(
    session: AsyncSession, caller: Caller, submission_id: int, *, staff: bool = False
) -> tuple[Submission, SeenChallenge]:
    """A submission for its member or for staff; for all others there is none."""
    submission = await SubmissionRepository(session).find(submission_id)
    if submission is None:
        raise SubmissionNotFound
    seen = await ChallengeRepository(session).find_seen(caller.user_id, submission.challenge_id)
    if seen is None or (submission.user_id != caller.user_id and not seen.is_staff):
        raise SubmissionNotFound
    if staff:
        await see(session, ChallengeOf(caller.user_id, submission.challenge_id), STAFF)
    return submission, seen


async def scored_one(
    session: AsyncSession,
    seen: SeenChallenge,
    submission: Submission,
    *,
    slots_left: int | None = None,
    replayed: bool = False,
) -> ScoredSubmission:
    (scored,) = await scored_all(session, seen, [submission])
    return replace(scored, slots_left=slots_left, replayed=replayed)


async def scored_all(
    session: AsyncSession, seen: SeenChallenge, submissions: Sequence[Submission]
) -> Sequence[ScoredSubmission]:
    challenge, repository = seen.challenge, ScoreRepository(session)
    ids = [each.id for each in submissions if each.state in (ACCEPTED, SCORED)]
    public = await repository.public(ids, challenge.revision)
    private = await repository.private(ids, challenge)
    users = [each.user_id for each in submissions]
    aliases = await SubmissionRepository(session).aliases(challenge, users)
    return [
        ScoredSubmission(
            each,
            aliases.get(each.user_id, DELETED_MEMBER),
            challenge.revision,
            public.get(each.id),
            private.get(each.id),
        )
        for each in submissions
    ]
