"""Export of the data that this service stores about a user."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.api_keys.endpoints import ApiKeyView
from auth_service.api_keys.repository import ApiKeyRepository
from auth_service.groups.repository import GroupRepository, MembershipRow
from auth_service.models import User
from auth_service.sessions.endpoints import SessionRecord
from auth_service.sessions.repository import SessionRepository
from kit.fields import LARGEST_ID
from kit.identity import Role

MOST_ROWS = 10_000


class UserView(BaseModel):
    id: int
    name: str
    display_name: str | None
    role: Role
    disabled: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.id,
            name=user.name,
            display_name=user.display_name,
            role=user.role,
            disabled=user.disabled,
            created_at=user.created_at,
        )


class MembershipRecord(BaseModel):
    """A membership, also an ended one, with what the group's roster says about the user."""

    group_id: int
    group: str
    role: str
    alias: str
    joined_at: datetime
    removed_at: datetime | None
    external_id: str | None
    name: str | None
    section: str | None

    @classmethod
    def of(cls, row: MembershipRow) -> Self:
        membership, group, entry = row
        return cls(
            group_id=group.id,
            group=group.name,
            role=membership.role,
            alias=membership.alias,
            joined_at=membership.joined_at,
            removed_at=membership.removed_at,
            external_id=entry.external_id if entry else None,
            name=entry.name if entry else None,
            section=entry.section if entry else None,
        )


class AccountExport(BaseModel):
    """All data of a user in this service, except secrets."""

    user: UserView
    sessions: list[SessionRecord]
    api_keys: list[ApiKeyView]
    memberships: list[MembershipRecord]


async def export_account(session: AsyncSession, user: User) -> AccountExport:
    keys = await ApiKeyRepository(session).list_of(user.id, before=LARGEST_ID, limit=MOST_ROWS)
    memberships = await GroupRepository(session).list_memberships(user.id, MOST_ROWS)
    sessions = await SessionRepository(session).list_of(user.id)
    return AccountExport(
        user=UserView.of(user),
        sessions=[SessionRecord.of(login) for login in sessions],
        api_keys=[ApiKeyView.of(key) for key in keys],
        memberships=[MembershipRecord.of(row) for row in memberships],
    )
