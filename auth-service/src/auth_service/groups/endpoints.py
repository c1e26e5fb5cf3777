"""Groups and their members over HTTP."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.dependencies import Idempotent, OwnDatabase
from auth_service.errors import (
    GroupNotFound,
    LastOwner,
    MemberNotFound,
    TooManyGroups,
)
from auth_service.fields import Storable, StrictBody
from auth_service.groups.repository import (
    GroupRepository,
    MemberRow,
    MembershipRepository,
    OwnGroup,
)
from auth_service.groups.rules import time_zone
from auth_service.groups.service import STAFF, GroupService, answers_scope, require_role, turn_of
from auth_service.models import Group, GroupKind, GroupRole, GroupState, Membership
from kit.app import strict_router
from kit.authentication import AccountOwner, Reader
from kit.database import ReadSession
from kit.errors import (
    Forbidden,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    IdempotencyTwinRunning,
    InvalidInput,
    Unauthenticated,
)
from kit.fields import RowIdInPath
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1", tags=["groups"])

LONGEST_NAME, LONGEST_ALIAS = 100, 40
KEYED = (IdempotencyTwinRunning, IdempotencyKeyReused, IdempotencyKeyExpired)


async def _groups(request: Request) -> GroupService:
    return request.app.state.container.groups


async def _open_turn(request: Request, database: OwnDatabase) -> AsyncGenerator[AsyncSession]:
    # The path is validated by the endpoint, which refuses another spelling of an id.
    async with database.transaction_of(turn_of(request.path_params["group_id"])) as session:
        yield session


Groups = Annotated[GroupService, Depends(_groups)]
# A transaction in the turn of the path's group.
GroupSession = Annotated[AsyncSession, Depends(_open_turn, scope="function")]
GroupName = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True), Storable
]
Alias = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_ALIAS, strip_whitespace=True), Storable
]
TimeZone = Annotated[str, StringConstraints(max_length=LONGEST_NAME), AfterValidator(time_zone)]


class GroupRequest(StrictBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Statistics 2", "kind": "class", "time_zone": "Europe/Berlin"}]
        }
    )

    name: GroupName
    kind: GroupKind
    time_zone: TimeZone


class GroupChange(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "archived"}]})

    name: GroupName | None = None
    time_zone: TimeZone | None = None
    state: GroupState | None = None


class GroupView(BaseModel):
    id: int
    name: str
    kind: GroupKind
    time_zone: str
    state: GroupState
    role: GroupRole | None = Field(description="yours; null for administrators who are not members")

    @classmethod
    def of(cls, group: Group, role: str | None) -> Self:
        return cls(
            id=group.id,
            name=group.name,
            kind=group.kind,
            time_zone=group.time_zone,
            state=group.state,
            role=role,  # type: ignore[arg-type]
        )

    @classmethod
    def of_own(cls, own: OwnGroup) -> Self:
        return cls.of(*own)


class MembershipView(BaseModel):
    group_id: int
    role: GroupRole
    alias: str

    @classmethod
    def of(cls, membership: Membership) -> Self:
        return cls(group_id=membership.group_id, role=membership.role, alias=membership.alias)


class MemberView(BaseModel):
    user_id: int
    account: str
    display_name: str | None
    role: GroupRole
    alias: str
    joined_at: datetime
    external_id: str | None = Field(description="from the roster, as are name and section")
    name: str | None
    section: str | None

    @classmethod
    def of(cls, row: MemberRow) -> Self:
        membership, user, entry = row
        return cls(
            user_id=user.id,
            account=user.name,
            display_name=user.display_name,
            role=membership.role,
            alias=membership.alias,
            joined_at=membership.joined_at,
            external_id=entry.external_id if entry else None,
            name=entry.name if entry else None,
            section=entry.section if entry else None,
        )


class RoleChange(StrictBody):
    role: GroupRole


class AliasChange(StrictBody):
    alias: Alias


@router.post(
    "/groups",
    status_code=201,
    responses=documented(Unauthenticated, Forbidden, TooManyGroups, *KEYED),
)
async def create_group(
    body: GroupRequest,
    caller: AccountOwner,
    groups: Groups,
    database: OwnDatabase,
    idempotency: Idempotent,
) -> GroupView:
    """Create a group; you are its owner. Its pool is empty until tokens are granted or bought."""
    async with (
        idempotency.claim(answers_scope(caller.user_id), body) as claim,
        database.transaction_of(caller.user_id) as session,
    ):
        if claim.first_answer is not None:
            return GroupView.model_validate_json(claim.first_answer)
        group = Group(name=body.name, kind=body.kind, time_zone=body.time_zone)
        view = GroupView.of(group, (await groups.create(session, caller.user_id, group)).role)
        await claim.keep(view.model_dump_json().encode(), session=session)
    return view


@router.get("/groups", responses=documented(Unauthenticated, Forbidden))
async def list_groups(
    caller: Reader,
    session: ReadSession,
    page: RequestedPage,
    everyones: Annotated[bool, Query(alias="all", description="all groups, for administrators")] = False,
) -> Page[GroupView]:
    """Your groups, newest first."""
    if everyones and not caller.is_admin:
        raise Forbidden("Only an administrator can list the groups of others.")
    repository = GroupRepository(session)
    list_page = repository.list_all if everyones else repository.list_of
    rows = await list_page(caller.user_id, page.before, page.fetch)
    return page.page_of(rows, GroupView.of_own, lambda row: row.group.id)


@router.get("/groups/{group_id}", responses=documented(Unauthenticated, GroupNotFound))
async def show_group(group_id: RowIdInPath, caller: Reader, session: ReadSession) -> GroupView:
    """One of your groups; administrators can see every group."""
    group = await GroupRepository(session).find(group_id)
    own = await MembershipRepository(session, group_id).find(caller.user_id)
    role = own.role if own is not None and own.state == "active" else None
    if group is None or (role is None and not caller.is_admin):
        raise GroupNotFound
    return GroupView.of(group, role)


@router.patch("/groups/{group_id}", responses=documented(Unauthenticated, Forbidden, GroupNotFound))
async def change_group(
    group_id: RowIdInPath, change: GroupChange, caller: AccountOwner, groups: Groups, session: GroupSession
) -> GroupView:
    """Change the name, the time zone or the state; in an archived group nobody joins or spends."""
    values = change.model_dump(exclude_none=True)
    group, own = await groups.change(session, caller, group_id, values)
    return GroupView.of(group, own.role)


@router.delete(
    "/groups/{group_id}", status_code=204, responses=documented(Unauthenticated, Forbidden, GroupNotFound)
)
async def delete_group(
    group_id: RowIdInPath, caller: AccountOwner, groups: Groups, session: GroupSession
) -> None:
    """Delete the group with its roster, its codes and the rest of its tokens. This cannot be undone."""
    await groups.delete(session, caller, group_id)


@router.get("/groups/{group_id}/members", responses=documented(Unauthenticated, Forbidden, GroupNotFound))
async def list_members(
    group_id: RowIdInPath, caller: Reader, session: ReadSession, page: RequestedPage
) -> Page[MemberView]:
    """The members, for owners and assistants."""
    await require_role(session, group_id, caller.user_id, *STAFF)
    rows = await MembershipRepository(session, group_id).list_page(page.before, page.fetch)
    return page.page_of(rows, MemberView.of, lambda row: row.user.id)


@router.patch(
    "/groups/{group_id}/members/me", responses=documented(Unauthenticated, GroupNotFound, InvalidInput)
)
async def change_alias(
    group_id: RowIdInPath, change: AliasChange, caller: AccountOwner, groups: Groups, session: GroupSession
) -> MembershipView:
    """Choose the alias that other members see on leaderboards."""
    return MembershipView.of(await groups.set_alias(session, caller.user_id, group_id, change.alias))


@router.delete(
    "/groups/{group_id}/members/me",
    status_code=204,
    responses=documented(Unauthenticated, GroupNotFound, LastOwner),
)
async def leave_group(
    group_id: RowIdInPath, caller: AccountOwner, groups: Groups, session: GroupSession
) -> None:
    """Leave the group; your allowance goes back to its pool."""
    await groups.remove(session, caller, group_id, caller.user_id)


@router.patch(
    "/groups/{group_id}/members/{user_id}",
    responses=documented(Unauthenticated, Forbidden, GroupNotFound, MemberNotFound, LastOwner),
)
async def change_member(
    group_id: RowIdInPath,
    user_id: RowIdInPath,
    change: RoleChange,
    caller: AccountOwner,
    groups: Groups,
    session: GroupSession,
) -> MembershipView:
    """Change a member's role, as an owner or an administrator."""
    member = await groups.change_role(session, caller, group_id, user_id, change.role)
    return MembershipView.of(member)


@router.delete(
    "/groups/{group_id}/members/{user_id}",
    status_code=204,
    responses=documented(Unauthenticated, Forbidden, GroupNotFound, MemberNotFound, LastOwner),
)
async def remove_member(
    group_id: RowIdInPath, user_id: RowIdInPath, caller: AccountOwner, groups: Groups, session: GroupSession
) -> None:
    """Remove a member, who spends nothing of the group within seconds and returns by a personal code only."""
    await groups.remove(session, caller, group_id, user_id)
