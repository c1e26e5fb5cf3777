"""Groups: create, join, leave, change and delete."""

from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.errors import (
    CodeUnknown,
    GroupArchived,
    GroupFull,
    GroupNotFound,
    LastOwner,
    MemberNotFound,
    TooManyGroups,
    TooManyJoinCodes,
)
from auth_service.events import GroupEvents
from auth_service.groups.repository import (
    GroupRepository,
    JoinCodeRepository,
    MembershipRepository,
    SeatRepository,
)
from auth_service.groups.rules import new_alias, new_code, read_code
from auth_service.models import Group, GroupRole, JoinCode, Membership, RosterEntry
from auth_service.settings import AuthSettings
from kit.errors import Forbidden, InvalidInput
from kit.identity import Caller

MAX_JOIN_CODES = 100
STAFF: tuple[GroupRole, ...] = ("owner", "assistant")

log = structlog.stdlib.get_logger()


class GroupService:
    def __init__(self, settings: AuthSettings, events: GroupEvents) -> None:
        self._max_groups, self._max_members = settings.max_groups, settings.max_members
        self._events = events

    async def create(self, session: AsyncSession, user_id: int, group: Group) -> Membership:
        """Store the group; its creator is its first owner."""
        repository = GroupRepository(session)
        # The user's row is locked, so that concurrent requests cannot exceed the limit.
        await repository.lock_user(user_id)
        if await repository.count_owned(user_id) >= self._max_groups:
            raise TooManyGroups(self._max_groups)
        group.created_by = user_id
        await repository.add(group)
        membership = Membership(group_id=group.id, user_id=user_id, role="owner", alias=new_alias(set()))
        await MembershipRepository(session, group.id).add(membership)
        await self._events.changed(session, group)
        await self._events.membership_changed(session, membership, None)
        log.info("group_created", group=group.id, user=user_id)
        return membership

    async def find_code(self, session: AsyncSession, text: str) -> JoinCode:
        """The usable code that somebody typed; raises CodeUnknown."""
        letters = read_code(text)
        code = await JoinCodeRepository(session).find_usable(letters) if letters is not None else None
        if code is None:
            raise CodeUnknown
        return code

    async def join(self, session: AsyncSession, user_id: int, text: str) -> Membership:
        """Join with a code; a member who sends one again stays as they are, and no use is counted."""
        code = await self.find_code(session, text)
        group = await GroupRepository(session).lock(code.group_id)
        if group is None or group.state != "active":
            raise CodeUnknown
        members = MembershipRepository(session, group.id)
        membership = await members.find(user_id)
        if membership is not None and membership.state == "active":
            return membership
        entry = await self._seat_of(session, code, user_id)
        if membership is not None and membership.removed_by != user_id and code.entry_id is None:
            raise CodeUnknown
        if await members.count() >= self._max_members:
            raise GroupFull(self._max_members)
        if not await JoinCodeRepository(session).use(code):
            raise CodeUnknown
        if membership is None:
            alias = new_alias(await members.aliases())
            membership = Membership(group_id=group.id, user_id=user_id, role="member", alias=alias)
            await members.add(membership)
        membership.role = entry.role if entry is not None else "member"
        membership.state, membership.removed_at, membership.removed_by = "active", None, None
        await self._events.membership_changed(session, membership, entry)
        log.info("group_joined", group=group.id, user=user_id)
        return membership

    async def change(
        self, session: AsyncSession, caller: Caller, group_id: int, values: dict[str, str]
    ) -> tuple[Group, Membership]:
        """Set the name, the time zone or the state."""
        group = await self._lock(session, group_id)
        own = await require_role(session, group_id, caller.user_id, "owner")
        for name, value in values.items():
            setattr(group, name, value)
        await self._events.changed(session, group)
        return group, own

    async def delete(self, session: AsyncSession, caller: Caller, group_id: int) -> None:
        group = await self._lock(session, group_id)
        await require_role(session, group_id, caller.user_id, "owner")
        await GroupRepository(session).delete(group)
        await self._events.deleted(session, group_id)
        log.info("group_deleted", group=group_id, user=caller.user_id)

    async def change_role(
        self, session: AsyncSession, caller: Caller, group_id: int, user_id: int, role: GroupRole
    ) -> Membership:
        """Administrators may, too: a group whose last owner was deleted needs a new one."""
        await self._lock(session, group_id)
        if not caller.is_admin:
            await require_role(session, group_id, caller.user_id, "owner")
        member = await self._member(session, group_id, user_id)
        if member.role == "owner" != role:
            await self._require_other_owner(session, group_id)
        member.role = role
        await self._publish(session, member)
        log.info("group_role_changed", group=group_id, user=user_id, role=role)
        return member

    async def set_alias(self, session: AsyncSession, user_id: int, group_id: int, alias: str) -> Membership:
        await self._lock(session, group_id)
        member = await require_role(session, group_id, user_id)
        if await MembershipRepository(session, group_id).is_alias_taken(alias, user_id):
            raise InvalidInput("Another member has this alias; choose another one.")
        member.alias = alias
        await self._publish(session, member)
        return member

    async def remove(self, session: AsyncSession, caller: Caller, group_id: int, user_id: int) -> None:
        """Remove a member, or leave; assistants remove members only."""
        await self._lock(session, group_id)
        own = await require_role(session, group_id, caller.user_id)
        member = await self._member(session, group_id, user_id) if user_id != caller.user_id else own
        is_allowed = own.role == "owner" or (own.role == "assistant" and member.role == "member")
        if member is not own and not is_allowed:
            raise Forbidden("Only an owner of the group can remove this member.")
        if member.role == "owner":
            await self._require_other_owner(session, group_id)
        end_membership(member, caller.user_id)
        await self._publish(session, member)
        log.info("group_left", group=group_id, user=user_id, removed_by=caller.user_id)

    async def create_code(
        self, session: AsyncSession, caller: Caller, group_id: int, code: JoinCode
    ) -> JoinCode:
        group = await self._lock(session, group_id)
        await require_role(session, group_id, caller.user_id, *STAFF)
        if group.state != "active":
            raise GroupArchived
        repository = JoinCodeRepository(session)
        if await repository.count(group_id) >= MAX_JOIN_CODES:
            raise TooManyJoinCodes(MAX_JOIN_CODES)
        code.group_id, code.code = group_id, new_code()
        await repository.add(code)
        return code

    async def _seat_of(self, session: AsyncSession, code: JoinCode, user_id: int) -> RosterEntry | None:
        """The entry of the roster that the user claims with this code; raises CodeUnknown."""
        user = await GroupRepository(session).lock_user(user_id)
        seats = SeatRepository(session, code.group_id)
        own = await seats.find_claimed(user_id)
        if code.entry_id is not None:
            entry = await seats.find(code.entry_id)
        else:
            entry = own or await seats.find_account(user.folded_name)
        is_free = entry is not None and entry.user_id in (None, user_id) and own in (None, entry)
        if entry is None or not is_free:
            if code.only_roster or code.entry_id is not None:
                raise CodeUnknown
            return None
        entry.user_id = user_id
        return entry

    async def _publish(self, session: AsyncSession, member: Membership) -> None:
        entry = await SeatRepository(session, member.group_id).find_claimed(member.user_id)
        await self._events.membership_changed(session, member, entry)

    async def _lock(self, session: AsyncSession, group_id: int) -> Group:
        group = await GroupRepository(session).lock(group_id)
        if group is None:
            raise GroupNotFound
        return group

    async def _member(self, session: AsyncSession, group_id: int, user_id: int) -> Membership:
        member = await MembershipRepository(session, group_id).find(user_id)
        if member is None or member.state != "active":
            raise MemberNotFound
        return member

    async def _require_other_owner(self, session: AsyncSession, group_id: int) -> None:
        if await MembershipRepository(session, group_id).count_owners() < 2:
            raise LastOwner


async def require_role(session: AsyncSession, group_id: int, user_id: int, *roles: GroupRole) -> Membership:
    """The user's active membership; strangers see no group, and members of another role are refused.

    Without `roles`, any will do. Raises GroupNotFound or Forbidden.
    """
    own = await MembershipRepository(session, group_id).find(user_id)
    if own is None or own.state != "active":
        raise GroupNotFound
    if roles and own.role not in roles:
        raise Forbidden(f"Only an {' or an '.join(roles)} of the group can do this.")
    return own


def end_membership(membership: Membership, removed_by: int) -> None:
    membership.state, membership.removed_at, membership.removed_by = "removed", datetime.now(UTC), removed_by


def turn_of(group_id: int | str) -> str:
    """The turn in which requests change a group; all of them lock its row."""
    return f"group {group_id}"


def answers_scope(user_id: int) -> str:
    """The scope of the idempotency keys with which a user creates groups."""
    return f"groups of {user_id}"
