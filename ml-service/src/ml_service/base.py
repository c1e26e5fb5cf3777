"""Schema `ml`: the declarative base, and the tables that belong to no single noun."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Json, declarative_base
from kit.idempotency import idempotency_keys_table
from kit.outbox import inbox_table

__all__ = ["Base", "DeletedUser", "Json", "first_answers", "inbox"]

Base = declarative_base("ml")

first_answers = idempotency_keys_table(Base.metadata)
inbox = inbox_table(Base.metadata)


class DeletedUser(Base):
    """A user whose account was deleted; the sweeper deletes what they owned."""

    __tablename__ = "departed_users"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    departed_at: Mapped[datetime] = mapped_column(server_default=func.now())
