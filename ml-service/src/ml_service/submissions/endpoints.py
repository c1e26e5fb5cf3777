"""Submissions over HTTP."""

from typing import Annotated

from fastapi import Depends, Request, Response

from kit.app import strict_router
from kit.authentication import Reader
from kit.errors import Forbidden
from kit.fields import RowIdInPath
from kit.idempotency import REPLAYED
from kit.pagination import Page, RequestedPage
from kit.problems import documented
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.callers import PayingTrainCaller, TrainCaller
from ml_service.challenge_errors import (
    ChallengeFrozen,
    ChallengeNotFound,
    ChallengeNotOpen,
    GroupArchived,
    ModelNotEligible,
    SubmissionLimitReached,
    SubmissionNotFound,
)
from ml_service.errors import ModelNotFound, TooManyJobsQueued
from ml_service.learning.predictors import ArtefactRefused
from ml_service.store.errors import POOL_ERRORS
from ml_service.submissions.schemas import (
    SelectionRequest,
    SubmissionRequest,
    SubmissionView,
    VoidRequest,
    view_of,
)
from ml_service.submissions.service import SubmissionService

router = strict_router("/v1", ["challenges"])


async def _submissions(request: Request) -> SubmissionService:
    return request.app.state.container.submissions


Submissions = Annotated[SubmissionService, Depends(_submissions)]


@router.post(
    "/challenges/{challenge_id}/submissions",
    status_code=202,
    responses=documented(
        Forbidden,
        ChallengeNotFound,
        ChallengeNotOpen,
        GroupArchived,
        ModelNotFound,
        ModelNotEligible,
        ArtefactRefused,
        SubmissionLimitReached,
        TooManyJobsQueued,
        *POOL_ERRORS,
        *CHARGE_ERRORS,
    ),
)
async def submit(
    challenge_id: RowIdInPath,
    body: SubmissionRequest,
    response: Response,
    caller: PayingTrainCaller,
    submissions: Submissions,
) -> SubmissionView:
    """Submit a model that you have trained on the challenge; it is frozen, and a job scores it.

    It takes a slot, and the group pays the price of `score`. A model that you have submitted before gets the
    first answer, marked `Idempotency-Replayed`, and takes no slot.
    """
    submitted = await submissions.submit(caller, challenge_id, body.model)
    response.headers["Location"] = f"/v1/submissions/{submitted.submission.id}"
    response.headers.update(REPLAYED if submitted.replayed else {})
    return view_of(submitted)


@router.get("/challenges/{challenge_id}/submissions", responses=documented(ChallengeNotFound))
async def list_submissions(
    challenge_id: RowIdInPath, caller: Reader, submissions: Submissions, page: RequestedPage
) -> Page[SubmissionView]:
    """Your submissions, newest first; owners and assistants see those of all members."""
    rows = await submissions.list_page(caller, challenge_id, page)
    return page.page_of(rows, view_of, lambda row: row.submission.id)


@router.get("/submissions/{submission_id}", responses=documented(SubmissionNotFound))
async def show_submission(
    submission_id: RowIdInPath, caller: Reader, submissions: Submissions
) -> SubmissionView:
    """A submission, with its scores once they are there."""
    return view_of(await submissions.get(caller, submission_id))


@router.put(
    "/challenges/{challenge_id}/selection",
    responses=documented(ChallengeNotFound, ChallengeFrozen, SubmissionNotFound),
)
async def select_submissions(
    challenge_id: RowIdInPath, body: SelectionRequest, caller: TrainCaller, submissions: Submissions
) -> Page[SubmissionView]:
    """Select up to two of your submissions for the final board; without any, the best public one counts."""
    chosen = await submissions.select(caller, challenge_id, body.submissions)
    return Page(items=[view_of(each) for each in chosen])


@router.post(
    "/submissions/{submission_id}/void",
    responses=documented(Forbidden, SubmissionNotFound, ChallengeFrozen),
)
async def void_submission(
    submission_id: RowIdInPath, body: VoidRequest, caller: TrainCaller, submissions: Submissions
) -> SubmissionView:
    """Take a submission off the boards, as an owner or assistant; its slot stays used."""
    return view_of(await submissions.void(caller, submission_id, body.reason))
