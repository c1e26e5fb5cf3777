"""Access to a group: members see it, and roles decide about changes."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import Forbidden
from kit.identity import UserId
from ml_service.challenge_errors import GroupArchived, GroupNotFound
from ml_service.groups.repository import GroupRepository, Membership

OWNER = ("owner",)
STAFF = ("owner", "assistant")
EVERYONE = ("owner", "assistant", "member")


async def require_member(
    session: AsyncSession, user_id: UserId, group_id: int, roles: Collection[str] = EVERYONE
) -> Membership:
    """The membership of an active member with one of these roles. Raises GroupNotFound or Forbidden."""
    membership = await GroupRepository(session).find_membership(user_id, group_id)
    if membership is None:
        raise GroupNotFound
    require_role(membership, roles)
    return membership


def require_role(membership: Membership, roles: Collection[str]) -> None:
    """Raises Forbidden."""
    if membership.role not in roles:
        who = "its owners" if tuple(roles) == OWNER else "its owners and assistants"
        raise Forbidden(f"In this group only {who} can do this; ask one of them.")


def require_active(membership: Membership) -> None:
    """Raises GroupArchived."""
    if membership.group.state != "active":
        raise GroupArchived
