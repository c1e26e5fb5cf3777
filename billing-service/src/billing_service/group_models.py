"""Tables of groups: members and allowance rules."""

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from billing_service.models import Base

# A local time of the group's time zone.
LOCAL_TIME = DateTime(timezone=False)


class Group(Base):
    """A group from the latest event, and the order in which its work is paid."""

    __tablename__ = "groups"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'archived', 'deleted')", "state"),
        CheckConstraint(
            "pays_from <@ ARRAY['allowance', 'pool', 'own'] AND cardinality(pays_from) > 0", "pays_from"
        ),
    )

    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    time_zone: Mapped[str]
    pays_from: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Member(Base):
    """A membership from the latest event."""

    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'removed')", "state"),
        Index(
            "ix_members_unsettled",
            *("group_id", "user_id"),
            postgresql_where=text("state = 'removed' AND NOT is_settled"),
        ),
    )

    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    role: Mapped[str]
    state: Mapped[str]
    # A member gets no allowance for a period that ended before.
    active_since: Mapped[datetime]
    # The allowances of a removed member have been returned.
    is_settled: Mapped[bool] = mapped_column(server_default=false())


class AllowanceRule(Base):
    """A rule that issues an allowance to each member at the start of each period."""

    __tablename__ = "allowance_rules"
    __table_args__ = (
        UniqueConstraint("group_id", "key"),
        CheckConstraint("amount > 0", "amount_above_zero"),
        CheckConstraint("keeps > 0", "keeps_above_zero"),
        CheckConstraint("needed >= 0", "needed_not_negative"),
        CheckConstraint("state IN ('active', 'stopped')", "state"),
        Index("ix_allowance_rules_active_next_at", "next_at", postgresql_where=text("state = 'active'")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    group_id: Mapped[int]
    key: Mapped[str]
    input_hash: Mapped[bytes]
    amount: Mapped[int]
    every: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(LOCAL_TIME)
    ends_at: Mapped[datetime | None] = mapped_column(LOCAL_TIME)
    # The number of periods that an allowance lasts.
    keeps: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(server_default="active")
    # The next time at which allowances may be missing; null after the last period.
    next_at: Mapped[datetime | None]
    # The tokens of a period that could not be issued; zero if none is missing.
    needed: Mapped[int] = mapped_column(server_default="0")
    created_by: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
