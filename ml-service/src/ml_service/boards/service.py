"""Service of boards: leaderboards, results for staff, and the end of a challenge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import structlog
from cachetools import TTLCache
from sqlalchemy.ext.asyncio import AsyncSession

from kit.background import SingleFlight
from kit.database import Database
from kit.identity import Caller
from ml_service.billing.port import Billing
from ml_service.boards.queries import list_entries, list_late, list_members
from ml_service.boards.rules import Line, by_efficiency, final_board, public_board, with_efficiency
from ml_service.challenge_errors import ChallengeBusy, ChallengeFrozen
from ml_service.challenge_orm import Challenge, Member
from ml_service.challenges.access import ChallengeOf, see, show, state_of
from ml_service.challenges.repository import ChallengeRepository
from ml_service.challenges.rules import ChallengeState
from ml_service.challenges.schemas import ShownChallenge
from ml_service.errors import BillingUnavailable
from ml_service.groups.access import OWNER, STAFF
from ml_service.jobs.rules import JobKind, context_of
from ml_service.submissions.repository import SubmissionRepository

# Tokens on a board are this old at most: a class that watches it must not burden billing.
USAGE_SECONDS, MOST_CHALLENGES = 5.0, 1000
# The query takes 0.2 to 0.4 s of one core for 30,000 submissions.
BOARD_SECONDS = 1.0
BoardKey = tuple[int, int, ChallengeState]
BoardName = Literal["public", "frozen", "final"]
Order = Literal["score", "efficiency"]

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Board:
    """The lines of a board with the members by user, and the users with late submissions."""

    name: BoardName
    challenge: Challenge
    lines: Sequence[Line]
    members: Mapping[int, Member]
    late: frozenset[int] = frozenset()


# A board with its baseline.
BoardRead = tuple[Board, float | None]
# Tokens by user.
Usage = Mapping[int, int]


@dataclass(frozen=True)
class BoardService:
    database: Database
    billing: Billing
    usage: TTLCache[int, Usage] = field(
        default_factory=lambda: TTLCache[int, Usage](MOST_CHALLENGES, USAGE_SECONDS), init=False
    )
    boards: TTLCache[BoardKey, BoardRead] = field(
        default_factory=lambda: TTLCache[BoardKey, BoardRead](MOST_CHALLENGES, BOARD_SECONDS), init=False
    )
    _reads: SingleFlight[BoardKey, BoardRead] = field(
        default_factory=lambda: SingleFlight[BoardKey, BoardRead](), init=False
    )

    async def leaderboard(self, caller: Caller, challenge_id: int, by: Order) -> Board:
        """The public board, frozen at the end, or the final one. By efficiency, billing must answer."""
        async with self.database.read() as session:
            seen = await see(session, ChallengeOf(caller.user_id, challenge_id))
        state = state_of(seen)
        board, baseline = await self._reads.run(
            (challenge_id, seen.challenge.revision, state), lambda: self._read(seen.challenge, state)
        )
        tokens = await self._tokens(seen.challenge, required=by == "efficiency")
        lines = with_efficiency(board.lines, seen.challenge.metric, baseline, tokens)
        lines = by_efficiency(lines) if by == "efficiency" else lines
        return Board(board.name, board.challenge, lines, board.members)

    async def results(self, caller: Caller, challenge_id: int) -> Board:
        """The board with the names of the roster, for owners and assistants."""
        async with self.database.read() as session:
            seen = await see(session, ChallengeOf(caller.user_id, challenge_id), STAFF)
            late = await list_late(session, seen.challenge)
        board, baseline = await self._read(seen.challenge, state_of(seen))
        tokens = await self._tokens(seen.challenge, required=False)
        lines = with_efficiency(board.lines, seen.challenge.metric, baseline, tokens)
        return Board(board.name, board.challenge, lines, board.members, frozenset(late))

    async def finalise(self, caller: Caller, challenge_id: int) -> ShownChallenge:
        """Show private scores and the salt. Raises ChallengeFrozen before the end, ChallengeBusy."""
        async with self.database.transaction_of(caller.user_id) as session:
            seen = await see(session, ChallengeOf(caller.user_id, challenge_id), OWNER, lock=True)
            state = state_of(seen)
            if state is ChallengeState.FINAL:
                return await show(session, seen)
            if state is not ChallengeState.CLOSED:
                raise ChallengeFrozen("The challenge is not closed; finalise it after its closes_at.")
            if await SubmissionRepository(session).count_unscored(challenge_id):
                raise ChallengeBusy("Submissions are still being scored; finalise after that.")
            if await ChallengeRepository(session).has_live_job(challenge_id, JobKind.SCORE):
                raise ChallengeBusy("A revision is still being scored; finalise after that.")
            seen.challenge.finalised_at = seen.now
            await session.flush()
            log.info("challenge_finalised", challenge=challenge_id, user=caller.user_id)
            return await show(session, seen)

    async def _read(self, challenge: Challenge, state: ChallengeState) -> BoardRead:
        """The board and its baseline, at most a second old: all members of a class may poll it."""
        key = (challenge.id, challenge.revision, state)
        if (known := self.boards.get(key)) is None:
            async with self.database.read() as session:
                board = await _read_board(session, challenge, state)
                known = self.boards[key] = board, await _baseline(session, board)
        return known

    async def _tokens(self, challenge: Challenge, *, required: bool) -> Mapping[int, int] | None:
        """The tokens that each member has paid until the end; None if billing does not answer."""
        known = self.usage.get(challenge.id)
        if known is not None:
            return known
        try:
            usage = await self.billing.usage(
                challenge.group_id, context_of(challenge.id), challenge.closes_at
            )
        except BillingUnavailable:
            if required:
                raise
            return None
        known = self.usage[challenge.id] = {int(user): tokens for user, tokens in usage.items()}
        return known


async def _read_board(session: AsyncSession, challenge: Challenge, state: ChallengeState) -> Board:
    entries, members = await list_entries(session, challenge), await list_members(session, challenge)
    if state is ChallengeState.FINAL:
        return Board("final", challenge, final_board(entries, challenge.metric), members)
    name: BoardName = "frozen" if state is ChallengeState.CLOSED else "public"
    return Board(name, challenge, public_board(entries, challenge.metric), members)


async def _baseline(session: AsyncSession, board: Board) -> float | None:
    parts = await ChallengeRepository(session).parts(board.challenge.id, board.challenge.revision)
    part = parts.get("private" if board.name == "final" else "public")
    return None if part is None else part.baseline
