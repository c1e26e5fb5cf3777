"""Access to challenges: members see published ones, staff drafts, too, and roles decide about changes."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from ml_service.challenge_errors import ChallengeNotFound
from ml_service.challenges.repository import ChallengeRepository, SeenChallenge
from ml_service.challenges.rules import ChallengeState, state_at
from ml_service.challenges.schemas import ShownChallenge, moments_of
from ml_service.groups.access import EVERYONE, require_role


class ChallengeOf(NamedTuple):
    """A challenge as a member sees it."""

    user_id: UserId
    challenge_id: int


async def see(
    session: AsyncSession, wanted: ChallengeOf, roles: Collection[str] = EVERYONE, *, lock: bool = False
) -> SeenChallenge:
    """The challenge for a member with one of these roles. Raises ChallengeNotFound or Forbidden."""
    repository = ChallengeRepository(session)
    find = repository.find_locked if lock else repository.find_seen
    seen = await find(*wanted)
    if seen is None:
        raise ChallengeNotFound
    require_role(seen.membership, roles)
    return seen


def state_of(seen: SeenChallenge) -> ChallengeState:
    return state_at(moments_of(seen.challenge), seen.now)


async def show(session: AsyncSession, seen: SeenChallenge) -> ShownChallenge:
    repository, challenge = ChallengeRepository(session), seen.challenge
    parts = await repository.parts(challenge.id, challenge.revision)
    dataset_id = await repository.dataset_id(challenge.id)
    return ShownChallenge(challenge, seen.now, parts, dataset_id, seen.is_staff)
