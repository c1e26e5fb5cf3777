"""Challenges over HTTP."""

from typing import Annotated

from fastapi import Depends, Request, Response

from kit.app import strict_router
from kit.authentication import Reader
from kit.database import Database, Json
from kit.errors import (
    Forbidden,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    IdempotencyTwinRunning,
    InvalidInput,
)
from kit.fields import RowIdInPath
from kit.idempotency import REPLAYED, FirstAnswers, IdempotencyKey
from kit.pagination import Page, RequestedPage
from kit.problems import documented
from ml_service.billing.charges import keyed_request
from ml_service.callers import TrainCaller
from ml_service.challenge_errors import (
    ChallengeBusy,
    ChallengeFrozen,
    ChallengeNotFound,
    GroupArchived,
    GroupNotFound,
    TimeWithoutOffset,
    TooManyChallenges,
)
from ml_service.challenges.request_schemas import ChallengeChange, ChallengeRequest, HoldoutRequest
from ml_service.challenges.schemas import ChallengeView, view_of
from ml_service.challenges.service import ChallengeService
from ml_service.errors import DatasetNotFound, TooManyJobsQueued
from ml_service.jobs.endpoints import Estimates
from ml_service.jobs.schemas import JobView
from ml_service.learning.training.errors import (
    DateLabel,
    EmptyColumn,
    LabelNotClasses,
    LabelNotNumeric,
    NeedsDecision,
    UnknownColumn,
)
from ml_service.store.errors import STORAGE_ERRORS

router = strict_router("/v1", ["challenges"])

SOURCE_ERRORS = (DateLabel, EmptyColumn, LabelNotClasses, LabelNotNumeric, NeedsDecision, UnknownColumn)


async def _challenges(request: Request) -> ChallengeService:
    return request.app.state.container.challenges


async def _answers(request: Request) -> FirstAnswers:
    return request.app.state.container.answers


Challenges = Annotated[ChallengeService, Depends(_challenges)]
Answers = Annotated[FirstAnswers, Depends(_answers)]


async def _database(request: Request) -> Database:
    return request.app.state.container.database


OwnDatabase = Annotated[Database, Depends(_database)]


@router.post(
    "/groups/{group_id}/challenges",
    status_code=201,
    responses=documented(
        Forbidden,
        GroupNotFound,
        GroupArchived,
        DatasetNotFound,
        TooManyChallenges,
        TimeWithoutOffset,
        IdempotencyKeyReused,
        IdempotencyTwinRunning,
        IdempotencyKeyExpired,
    ),
)
async def create_challenge(
    group_id: RowIdInPath,
    body: ChallengeRequest,
    response: Response,
    caller: TrainCaller,
    challenges: Challenges,
    answers: Answers,
    database: OwnDatabase,
    key: IdempotencyKey = None,
) -> ChallengeView:
    """Draft a challenge, as an owner or assistant of the group."""
    request = keyed_request(caller, key, "challenge", group_id, body.model_dump(mode="json"))
    async with answers.claim(request) as claim, database.transaction_of(caller.user_id) as session:
        if claim.first_answer is not None:
            response.headers.update(REPLAYED)
            return ChallengeView.model_validate_json(claim.first_answer)
        view = view_of(await challenges.create(session, caller, group_id, _columns_of(body)))
        await claim.keep(view.model_dump_json().encode(), session=session)
    response.headers["Location"] = f"/v1/challenges/{view.id}"
    return view


@router.get("/groups/{group_id}/challenges", responses=documented(GroupNotFound))
async def list_challenges(
    group_id: RowIdInPath, caller: Reader, challenges: Challenges, page: RequestedPage
) -> Page[ChallengeView]:
    """The group's challenges, newest first; drafts are shown to owners and assistants."""
    rows = await challenges.list_page(caller, group_id, page)
    return page.page_of(rows, view_of, lambda row: row.challenge.id)


@router.get("/challenges/{challenge_id}", responses=documented(ChallengeNotFound))
async def show_challenge(challenge_id: RowIdInPath, caller: Reader, challenges: Challenges) -> ChallengeView:
    """A challenge, with the sizes of its parts and the commitment to its hidden rows."""
    return view_of(await challenges.get(caller, challenge_id))


@router.patch(
    "/challenges/{challenge_id}",
    responses=documented(
        Forbidden,
        ChallengeNotFound,
        ChallengeFrozen,
        ChallengeBusy,
        DatasetNotFound,
        TimeWithoutOffset,
        InvalidInput,
    ),
)
async def change_challenge(
    challenge_id: RowIdInPath, body: ChallengeChange, caller: TrainCaller, challenges: Challenges
) -> ChallengeView:
    """Change a draft. After the publication owners change the title, and extend an open challenge."""
    return view_of(await challenges.change(caller, challenge_id, _columns_of(body)))


@router.delete(
    "/challenges/{challenge_id}",
    status_code=204,
    responses=documented(Forbidden, ChallengeNotFound, ChallengeFrozen, ChallengeBusy),
)
async def delete_challenge(challenge_id: RowIdInPath, caller: TrainCaller, challenges: Challenges) -> None:
    """Delete a draft."""
    await challenges.delete(caller, challenge_id)


@router.post(
    "/challenges/{challenge_id}/publish",
    status_code=202,
    responses=documented(
        Forbidden,
        ChallengeNotFound,
        ChallengeFrozen,
        ChallengeBusy,
        GroupArchived,
        DatasetNotFound,
        InvalidInput,
        TooManyJobsQueued,
        *SOURCE_ERRORS,
        *STORAGE_ERRORS,
    ),
)
async def publish_challenge(
    challenge_id: RowIdInPath,
    response: Response,
    caller: TrainCaller,
    challenges: Challenges,
    estimates: Estimates,
) -> JobView:
    """Publish a draft, as an owner: a free job splits your dataset, and the challenge appears at its end."""
    job = await challenges.publish(caller, challenge_id)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobView.of(job, await estimates.for_jobs([job]))


def _columns_of(body: ChallengeRequest | ChallengeChange) -> Json:
    """The values of columns for the fields that were sent."""
    values = {name: getattr(body, name) for name in body.model_fields_set if getattr(body, name) is not None}
    if isinstance(body, ChallengeRequest):
        values = {name: getattr(body, name) for name in ChallengeRequest.model_fields}
    if "dataset_id" in values:
        values["source_id"] = values.pop("dataset_id")
    if isinstance(values.get("split"), HoldoutRequest):
        values["split"] = values["split"].model_dump(exclude_none=True)
    return values
