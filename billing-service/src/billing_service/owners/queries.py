"""Queries of wallet owners, their wallets and applied events."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.errors import AccountNotFound
from billing_service.models import Account, Owner, inbox
from kit.fields import LARGEST_ID, fold_name


class OwnedWallet(NamedTuple):
    owner: Owner
    wallet: Account


async def get_owner(session: AsyncSession, user_id: int) -> Owner:
    """Raises AccountNotFound."""
    owner = await session.get(Owner, user_id)
    if owner is None:
        raise AccountNotFound
    return owner


async def get_owner_by_name(session: AsyncSession, name: str) -> Owner:
    """Raises AccountNotFound."""
    owner = (await session.scalars(select(Owner).where(Owner.folded_name == fold_name(name)))).first()
    if owner is None:
        raise AccountNotFound
    return owner


async def list_owners(
    session: AsyncSession,
    min_tokens: int | None,
    name_part: str | None = None,
    before: int = LARGEST_ID,
    *,
    limit: int,
) -> Sequence[OwnedWallet]:
    """Users with an id below `before`, newest first; `min_tokens` is compared with available tokens."""
    statement = select(Owner, Account).join(Account, Account.owner_id == Owner.user_id)
    if min_tokens is not None:
        statement = statement.where(Account.posted - Account.held >= min_tokens)
    if name_part is not None:
        statement = statement.where(Owner.folded_name.contains(fold_name(name_part), autoescape=True))
    statement = statement.where(Owner.user_id < before).order_by(Owner.user_id.desc()).limit(limit)
    return [OwnedWallet(*row) for row in (await session.execute(statement)).all()]


async def save_owner(session: AsyncSession, user_id: int, name: str, role: str, *, disabled: bool) -> None:
    """Insert the owner, or replace name, role and state."""
    values = {"name": name, "folded_name": fold_name(name), "role": role, "disabled": disabled}
    statement = insert(Owner).values(user_id=user_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def delete_owner(session: AsyncSession, user_id: int) -> None:
    await session.execute(delete(Owner).where(Owner.user_id == user_id))


async def list_applied_events(session: AsyncSession, event_ids: Iterable[UUID]) -> set[UUID]:
    statement = select(inbox.c.event_id).where(inbox.c.event_id.in_(list(event_ids)))
    return set((await session.scalars(statement)).all())
