"""Boards over HTTP."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from kit.app import strict_router
from kit.authentication import Reader
from kit.errors import Forbidden
from kit.fields import RowIdInPath
from kit.problems import documented
from ml_service.boards.schemas import LeaderboardView, to_csv, view_of
from ml_service.boards.service import BoardService, Order
from ml_service.callers import TrainCaller
from ml_service.challenge_errors import ChallengeBusy, ChallengeFrozen, ChallengeNotFound
from ml_service.challenges import schemas as challenges
from ml_service.errors import BillingUnavailable

router = strict_router("/v1/challenges", ["challenges"])


async def _boards(request: Request) -> BoardService:
    return request.app.state.container.boards


Boards = Annotated[BoardService, Depends(_boards)]


@router.get("/{challenge_id}/leaderboard", responses=documented(ChallengeNotFound, BillingUnavailable))
async def show_leaderboard(
    challenge_id: RowIdInPath,
    caller: Reader,
    boards: Boards,
    by: Annotated[Order, Query(description="by score, or by skill per token")] = "score",
) -> LeaderboardView:
    """The leaderboard: the best public score of each member, and at the end the scores on private rows.

    Efficiency is the skill, from 0 for the baseline to 1 for a perfect score, divided by the tokens, among
    the members with 80% of the best skill.
    """
    return view_of(await boards.leaderboard(caller, challenge_id, by), caller.user_id)


@router.get(
    "/{challenge_id}/results",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
    | documented(Forbidden, ChallengeNotFound),
)
async def download_results(challenge_id: RowIdInPath, caller: Reader, boards: Boards) -> Response:
    """The results as CSV with the names of the roster, for owners and assistants."""
    content = to_csv(await boards.results(caller, challenge_id))
    headers = {"Content-Disposition": f'attachment; filename="results-{challenge_id}.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.post(
    "/{challenge_id}/finalise",
    responses=documented(Forbidden, ChallengeNotFound, ChallengeFrozen, ChallengeBusy),
)
async def finalise_challenge(
    challenge_id: RowIdInPath, caller: TrainCaller, boards: Boards
) -> challenges.ChallengeView:
    """End a closed challenge, as an owner: final board, salt and digests are shown from then on."""
    return challenges.view_of(await boards.finalise(caller, challenge_id))
