"""Queries of challenges, their parts and their revisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.challenge_orm import Challenge, ChallengePart, ChallengeRevision, Group, Member
from ml_service.groups.repository import Membership
from ml_service.jobs.rules import LIVE
from ml_service.orm import Dataset, Job


class SeenChallenge(NamedTuple):
    """A challenge with its group, the role of the member who sees it, and the time of the database."""

    challenge: Challenge
    group: Group
    role: str
    now: datetime

    @property
    def membership(self) -> Membership:
        return Membership(self.group, self.role)

    @property
    def is_staff(self) -> bool:
        return self.role != "member"


class ChallengeRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self, challenge: Challenge) -> None:
        self.session.add(challenge)
        await self.session.flush()
        await self.session.refresh(challenge)

    async def now(self) -> datetime:
        return (await self.session.execute(select(func.now()))).scalar_one()

    async def count(self, group_id: int) -> int:
        counted = select(func.count()).select_from(Challenge).where(Challenge.group_id == group_id)
        return await self.session.scalar(counted) or 0

    async def find_seen(self, user_id: UserId, challenge_id: int) -> SeenChallenge | None:
        """The challenge for an active member of its group; drafts are seen by staff alone."""
        return await self._first(_seen_by(user_id).where(Challenge.id == challenge_id))

    async def find_locked(self, user_id: UserId, challenge_id: int) -> SeenChallenge | None:
        """The same, locked until the transaction ends: its changes and submissions wait."""
        statement = _seen_by(user_id).where(Challenge.id == challenge_id)
        return await self._first(statement.with_for_update(of=Challenge))

    async def find_shared(self, user_id: UserId, challenge_id: int) -> SeenChallenge | None:
        """The same, unchanged until the transaction ends; submissions share the lock."""
        statement = _seen_by(user_id).where(Challenge.id == challenge_id)
        return await self._first(statement.with_for_update(read=True, of=Challenge))

    async def get_locked(self, challenge_id: int | None) -> Challenge | None:
        """The challenge, for a job; None if it was deleted with its group."""
        return await self.session.scalar(
            select(Challenge).where(Challenge.id == challenge_id).with_for_update()
        )

    async def find(self, challenge_id: int | None) -> Challenge | None:
        return await self.session.scalar(select(Challenge).where(Challenge.id == challenge_id))

    async def list_page(self, user_id: UserId, group_id: int, page: PageRequest) -> Sequence[SeenChallenge]:
        statement = _seen_by(user_id).where(Challenge.group_id == group_id, Challenge.id < page.before)
        rows = await self.session.execute(statement.order_by(Challenge.id.desc()).limit(page.fetch))
        return [SeenChallenge(*row) for row in rows]

    async def parts(self, challenge_id: int, revision: int) -> dict[str, ChallengePart]:
        of_revision = (ChallengePart.challenge_id == challenge_id, ChallengePart.revision == revision)
        parts = await self.session.scalars(select(ChallengePart).where(*of_revision))
        return {part.part: part for part in parts}

    async def revisions(self, challenge_id: int) -> Sequence[ChallengeRevision]:
        """All revisions, a pending one included, in order."""
        statement = select(ChallengeRevision).where(ChallengeRevision.challenge_id == challenge_id)
        return (await self.session.scalars(statement.order_by(ChallengeRevision.revision))).all()

    async def dataset_id(self, challenge_id: int) -> int | None:
        return await self.session.scalar(select(Dataset.id).where(Dataset.challenge_id == challenge_id))

    async def has_live_job(self, challenge_id: int, kind: str) -> bool:
        """Whether a free job of this kind is queued or running for the challenge."""
        live = (
            Job.challenge_id == challenge_id,
            Job.kind == kind,
            Job.state.in_(LIVE),
            Job.hold_key.is_(None),
        )
        return (await self.session.execute(select(Job.id).where(*live).limit(1))).first() is not None

    async def delete(self, challenge_id: int) -> None:
        await self.session.execute(delete(Challenge).where(Challenge.id == challenge_id))

    async def _first(self, statement: Select[Challenge, Group, str, datetime]) -> SeenChallenge | None:
        row = (await self.session.execute(statement)).first()
        return None if row is None else SeenChallenge(*row)


def _seen_by(user_id: UserId) -> Select[Challenge, Group, str, datetime]:
    return (
        select(Challenge, Group, Member.role, func.now())
        .join(Group, Group.group_id == Challenge.group_id)
        .join(Member, Member.group_id == Challenge.group_id)
        .where(Member.user_id == user_id, Member.state == "active")
        .where((Member.role != "member") | Challenge.published_at.is_not(None))
    )
