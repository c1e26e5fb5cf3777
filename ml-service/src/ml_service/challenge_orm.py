"""The tables of groups, challenges and submissions, beside those of `ml_service.orm`."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Json
from ml_service.orm import Base

metadata = Base.metadata
# A submission that our failure has voided may be sent again.
COUNTS_AS_SENT = text("state <> 'void' OR voided_by IS NOT NULL")


class Group(Base):
    """A group as auth-service has reported it."""

    __tablename__ = "groups"

    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    kind: Mapped[str]
    time_zone: Mapped[str]
    state: Mapped[str]


class Member(Base):
    """A membership as auth-service has reported it, possibly before the group itself.

    `external_id` and `member_name` are those of the roster.
    """

    __tablename__ = "members"

    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    role: Mapped[str]
    state: Mapped[str]
    alias: Mapped[str]
    external_id: Mapped[str | None]
    member_name: Mapped[str | None]


class Challenge(Base):
    """A challenge of a group. Its state follows from its times and the clock (`challenges.rules`).

    `source_id` is the owner's dataset, which the job of the publication splits. `revision` is the one on the
    boards.
    """

    __tablename__ = "challenges"
    __table_args__ = (
        CheckConstraint("opens_at < closes_at", name="times"),
        CheckConstraint("late IN ('refuse', 'unranked')", name="known_late"),
        CheckConstraint("slots_per_day > 0 AND slots_total > 0", name="slots"),
        CheckConstraint("(published_at IS NULL) = (commitment IS NULL)", name="committed_when_published"),
        CheckConstraint("finalised_at IS NULL OR published_at IS NOT NULL", name="final_after_published"),
        Index("ix_challenges_group_id", "group_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.group_id", ondelete="CASCADE"))
    created_by: Mapped[int]
    title: Mapped[str]
    source_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"), index=True)
    label: Mapped[str]
    split: Mapped[Json]
    metric: Mapped[str]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    slots_per_day: Mapped[int] = mapped_column(Integer)
    slots_total: Mapped[int] = mapped_column(Integer)
    late: Mapped[str]
    token_limit: Mapped[int | None]
    extensions: Mapped[list[Json]] = mapped_column(JSONB, server_default="[]")
    publish_job_id: Mapped[int | None]
    published_at: Mapped[datetime | None]
    finalised_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(Integer, server_default="1")
    salt: Mapped[bytes | None]
    commitment: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ChallengeRevision(Base):
    """The metric and the hidden rows of a challenge from some time on; boards show that of the challenge."""

    __tablename__ = "challenge_revisions"

    challenge_id: Mapped[int] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    metric: Mapped[str]
    reason: Mapped[str | None]
    job_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ChallengePart(Base):
    """A file of a challenge: the rows to train on, or hidden ones, of which only this is in the database.

    `baseline` is the score of the mean or of the shares of classes of the rows to train on.
    """

    __tablename__ = "challenge_parts"
    __table_args__ = (
        CheckConstraint("part IN ('train', 'public', 'private')", name="known_part"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),
        CheckConstraint("rows > 0", name="rows"),
    )

    challenge_id: Mapped[int] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str]
    sha256: Mapped[bytes]
    rows: Mapped[int]
    baseline: Mapped[float | None] = mapped_column(Double)


class Submission(Base):
    """A frozen model of a member; `artefact` and `files` are null once the account is deleted.

    `day` is the one of the group's time zone whose slot it took. A submission that our failure has voided
    has no `voided_by`, and its slot was returned.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        CheckConstraint("state IN ('accepted', 'scored', 'void')", name="known_state"),
        CheckConstraint("(state = 'void') = (void_reason IS NOT NULL)", name="void_reason"),
        CheckConstraint("(artefact IS NULL) = (files IS NULL)", name="files_of_artefact"),
        CheckConstraint("octet_length(artefact_sha256) = 32", name="sha256_length"),
        Index(
            "uq_submissions_challenge_id_user_id_artefact_sha256",
            *("challenge_id", "user_id", "artefact_sha256"),
            unique=True,
            postgresql_where=COUNTS_AS_SENT,
        ),
        Index("ix_submissions_challenge_id", "challenge_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    challenge_id: Mapped[int] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(index=True)
    model_name: Mapped[str | None]
    artefact: Mapped[str | None] = mapped_column(index=True)
    files: Mapped[Json | None]
    artefact_sha256: Mapped[bytes]
    size_bytes: Mapped[int]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    state: Mapped[str] = mapped_column(server_default="accepted")
    accepted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    day: Mapped[str]
    late: Mapped[bool]
    selected: Mapped[bool] = mapped_column(server_default=false())
    void_reason: Mapped[str | None]
    voided_by: Mapped[int | None]


class SubmissionSlots(Base):
    """The submissions of a member in a period: a day of the group's time zone, or the whole challenge."""

    __tablename__ = "submission_slots"
    __table_args__ = (CheckConstraint("used >= 0", name="used"),)

    challenge_id: Mapped[int] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    period: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(Integer, server_default="0")


class PublicScore(Base):
    """The score on the public rows, with its standard error; `versions` are those of the libraries."""

    __tablename__ = "public_scores"

    submission_id: Mapped[int] = mapped_column(
        ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    score: Mapped[float] = mapped_column(Double)
    error: Mapped[float | None] = mapped_column(Double)
    versions: Mapped[Json]
    scored_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PrivateScore(Base):
    """The score on the private rows, with its interval: in a table of its own, read for final boards only."""

    __tablename__ = "private_scores"

    submission_id: Mapped[int] = mapped_column(
        ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    score: Mapped[float] = mapped_column(Double)
    low: Mapped[float | None] = mapped_column(Double)
    high: Mapped[float | None] = mapped_column(Double)
    versions: Mapped[Json]
    scored_at: Mapped[datetime] = mapped_column(server_default=func.now())
