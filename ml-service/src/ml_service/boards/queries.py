"""Queries of boards."""

from collections.abc import Sequence

from sqlalchemy import func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ml_service.boards.rules import Entry
from ml_service.challenge_orm import Challenge, Member, PrivateScore, PublicScore, Submission
from ml_service.learning.challenges.metric_rules import LOWER_IS_BETTER

STAFF = ("owner", "assistant")


async def list_entries(session: AsyncSession, challenge: Challenge) -> Sequence[Entry]:
    """The best public and the selected submissions of each member who is ranked.

    Private scores are joined only once the challenge is final.
    """
    better = PublicScore.score.asc() if challenge.metric in LOWER_IS_BETTER else PublicScore.score.desc()
    own = Submission.user_id
    ranked = (
        select(
            *(Submission.id, Submission.user_id, Submission.accepted_at, Submission.selected),
            *(PublicScore.score, PublicScore.error),
            func.row_number()
            .over(partition_by=own, order_by=(better, Submission.accepted_at))
            .label("position"),
            func.count().over(partition_by=own).label("submissions"),
        )
        .join(
            PublicScore,
            (PublicScore.submission_id == Submission.id) & (PublicScore.revision == challenge.revision),
        )
        .where(Submission.challenge_id == challenge.id, Submission.state == "scored", ~Submission.late)
        .subquery()
    )
    staff = select(Member.user_id).where(Member.group_id == challenge.group_id, Member.role.in_(STAFF))
    statement = select(ranked).where(or_(ranked.c.position == 1, ranked.c.selected))
    statement = statement.where(ranked.c.user_id.not_in(staff))
    if challenge.finalised_at is None:
        names = ("private", "low", "high")
        statement = statement.add_columns(*(literal(None).label(name) for name in names))
    else:
        private = (PrivateScore.submission_id == ranked.c.id) & (PrivateScore.revision == challenge.revision)
        statement = statement.join(PrivateScore, private).add_columns(
            PrivateScore.score.label("private"), PrivateScore.low, PrivateScore.high
        )
    return [
        Entry(
            user_id=row.user_id,
            submission_id=row.id,
            accepted_at=row.accepted_at,
            public=row.score,
            error=row.error,
            best=row.position == 1,
            selected=row.selected,
            submissions=row.submissions,
            private=row.private,
            low=row.low,
            high=row.high,
        )
        for row in await session.execute(statement)
    ]


async def list_members(session: AsyncSession, challenge: Challenge) -> dict[int, Member]:
    """The members of the group by user, former ones included."""
    members = await session.scalars(select(Member).where(Member.group_id == challenge.group_id))
    return {member.user_id: member for member in members}


async def list_late(session: AsyncSession, challenge: Challenge) -> set[int]:
    """Users with a late submission."""
    late = select(Submission.user_id).where(
        Submission.challenge_id == challenge.id, Submission.late, Submission.state != "void"
    )
    return set((await session.scalars(late.distinct())).all())
