"""Queries of submissions, slots and scores."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Json
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.challenge_orm import (
    COUNTS_AS_SENT,
    Challenge,
    Member,
    PrivateScore,
    PublicScore,
    Submission,
    SubmissionSlots,
)


class SubmissionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self, values: Json) -> Submission | None:
        """None if the member has submitted this artefact already; waits for a concurrent submission of it."""
        statement = (
            insert(Submission)
            .values(values)
            .on_conflict_do_nothing(
                index_elements=["challenge_id", "user_id", "artefact_sha256"], index_where=COUNTS_AS_SENT
            )
            .returning(Submission)
        )
        return await self.session.scalar(statement)

    async def find_same(self, challenge_id: int, user_id: UserId, sha256: bytes) -> Submission | None:
        same = (
            Submission.challenge_id == challenge_id,
            Submission.user_id == user_id,
            Submission.artefact_sha256 == sha256,
        )
        return await self.session.scalar(select(Submission).where(*same, COUNTS_AS_SENT))

    async def find(self, submission_id: int) -> Submission | None:
        return await self.session.scalar(select(Submission).where(Submission.id == submission_id))

    async def find_locked(self, submission_id: int) -> Submission | None:
        statement = select(Submission).where(Submission.id == submission_id)
        return await self.session.scalar(statement.with_for_update())

    async def find_of_job(self, job_id: int, *, lock: bool = False) -> Submission | None:
        statement = select(Submission).where(Submission.job_id == job_id)
        return await self.session.scalar(statement.with_for_update() if lock else statement)

    async def list_page(
        self, challenge_id: int, user_id: UserId | None, page: PageRequest
    ) -> Sequence[Submission]:
        """The submissions of a member, or of all; newest first."""
        statement = select(Submission).where(Submission.challenge_id == challenge_id)
        if user_id is not None:
            statement = statement.where(Submission.user_id == user_id)
        older = statement.where(Submission.id < page.before).order_by(Submission.id.desc())
        return (await self.session.scalars(older.limit(page.fetch))).all()

    async def list_own(self, challenge_id: int, user_id: UserId, ids: Sequence[int]) -> Sequence[Submission]:
        """Those of a member among these, locked; others of the member are not in the list."""
        own = (Submission.challenge_id == challenge_id, Submission.user_id == user_id)
        statement = select(Submission).where(*own, Submission.id.in_(ids)).order_by(Submission.id)
        return (await self.session.scalars(statement.with_for_update())).all()

    async def select_only(self, challenge_id: int, user_id: UserId, ids: Sequence[int]) -> None:
        own = (Submission.challenge_id == challenge_id, Submission.user_id == user_id)
        await self.session.execute(update(Submission).where(*own).values(selected=Submission.id.in_(ids)))

    async def count_unscored(self, challenge_id: int) -> int:
        waiting = (Submission.challenge_id == challenge_id, Submission.state == "accepted")
        counted = select(func.count()).select_from(Submission).where(*waiting)
        return await self.session.scalar(counted) or 0

    async def aliases(self, challenge: Challenge, user_ids: Sequence[int]) -> dict[int, str]:
        statement = select(Member.user_id, Member.alias).where(
            Member.group_id == challenge.group_id, Member.user_id.in_(user_ids)
        )
        return dict((await self.session.execute(statement)).all())


class SlotRepository:
    """Slots of one member in one challenge."""

    def __init__(self, session: AsyncSession, challenge_id: int, user_id: int) -> None:
        self._session = session
        self._own = {"challenge_id": challenge_id, "user_id": user_id}

    async def used(self, period: str) -> int:
        return await self._session.scalar(self._of(period)) or 0

    async def take(self, period: str, limit: int) -> bool:
        """Take one slot; false if all are used. Concurrent submissions wait for each other here."""
        created = insert(SubmissionSlots).values(**self._own, period=period).on_conflict_do_nothing()
        await self._session.execute(created)
        taken = (
            update(SubmissionSlots)
            .filter_by(**self._own, period=period)
            .where(SubmissionSlots.used < limit)
            .values(used=SubmissionSlots.used + 1)
        )
        return await self._session.scalar(taken.returning(SubmissionSlots.used)) is not None

    async def give_back(self, period: str) -> None:
        returned = (
            update(SubmissionSlots)
            .filter_by(**self._own, period=period)
            .where(SubmissionSlots.used > 0)
            .values(used=SubmissionSlots.used - 1)
        )
        await self._session.execute(returned)

    def _of(self, period: str) -> Select[int]:
        return select(SubmissionSlots.used).filter_by(**self._own, period=period)


class ScoreRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save(self, submission_id: int, revision: int, scores: Json) -> None:
        """Store both scores; a repeated scoring replaces them with the same values."""
        of = {"submission_id": submission_id, "revision": revision, "versions": scores["versions"]}
        public = of | {name: scores["public"][name] for name in ("score", "error")}
        private = of | {name: scores["private"][name] for name in ("score", "low", "high")}
        for table, values in ((PublicScore, public), (PrivateScore, private)):
            statement = insert(table).values(values)
            keys = [table.submission_id, table.revision]
            await self._session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))

    async def delete(self, submission_id: int) -> None:
        for table in (PublicScore, PrivateScore):
            await self._session.execute(delete(table).where(table.submission_id == submission_id))

    async def public(self, ids: Sequence[int], revision: int) -> dict[int, PublicScore]:
        statement = select(PublicScore).where(
            PublicScore.submission_id.in_(ids), PublicScore.revision == revision
        )
        return {score.submission_id: score for score in await self._session.scalars(statement)}

    async def private(self, ids: Sequence[int], challenge: Challenge) -> dict[int, PrivateScore]:
        """None before the challenge is final: no query reads private scores earlier."""
        finalised_at: datetime | None = challenge.finalised_at
        if finalised_at is None:
            return {}
        statement = select(PrivateScore).where(
            PrivateScore.submission_id.in_(ids), PrivateScore.revision == challenge.revision
        )
        return {score.submission_id: score for score in await self._session.scalars(statement)}
