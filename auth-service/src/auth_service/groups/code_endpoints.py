"""Join codes, and memberships by them, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field, StrictBool, StrictInt, StringConstraints

from auth_service.dependencies import Idempotent, OwnDatabase
from auth_service.errors import (
    CodeUnknown,
    GroupArchived,
    GroupFull,
    GroupNotFound,
    JoinCodeNotFound,
    TimeWithoutOffset,
    TooManyJoinCodes,
)
from auth_service.fields import Moment, Storable, StrictBody
from auth_service.groups.endpoints import KEYED, Groups, MembershipView
from auth_service.groups.repository import JoinCodeRepository
from auth_service.groups.service import STAFF, require_role, turn_of
from auth_service.models import JoinCode
from kit.app import strict_router
from kit.authentication import AccountOwner
from kit.database import ReadSession, Session
from kit.errors import Forbidden, Unauthenticated
from kit.fields import RowIdInPath
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1", tags=["groups"])

LONGEST_CODE = 40
MOST_USES = 100_000
CODES_LAST = timedelta(days=30)


class JoinCodeRequest(StrictBody):
    expires_at: Moment | None = Field(default=None, description="with an offset; null: in 30 days")
    max_uses: Annotated[StrictInt, Field(ge=1, le=MOST_USES)] = MOST_USES
    only_roster: StrictBool = Field(default=False, description="only accounts that the roster names")


class JoinCodeView(BaseModel):
    id: int
    code: str
    only_roster: bool
    personal: bool = Field(description="for one person of the roster")
    max_uses: int
    uses: int
    expires_at: datetime

    @classmethod
    def of(cls, code: JoinCode) -> Self:
        return cls(
            id=code.id,
            code=code.code,
            only_roster=code.only_roster,
            personal=code.entry_id is not None,
            max_uses=code.max_uses,
            uses=code.uses,
            expires_at=code.expires_at,
        )


class Joining(StrictBody):
    code: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CODE), Storable]


@router.post(
    "/groups/{group_id}/join-codes",
    status_code=201,
    responses=documented(
        Unauthenticated, Forbidden, GroupNotFound, GroupArchived, TooManyJoinCodes, TimeWithoutOffset, *KEYED
    ),
)
async def create_join_code(
    group_id: RowIdInPath,
    body: JoinCodeRequest,
    caller: AccountOwner,
    groups: Groups,
    database: OwnDatabase,
    idempotency: Idempotent,
) -> JoinCodeView:
    """Create a code with which people join the group as members."""
    async with (
        idempotency.claim(f"join codes of {caller.user_id} in {group_id}", body) as claim,
        database.transaction_of(turn_of(group_id)) as session,
    ):
        if claim.first_answer is not None:
            return JoinCodeView.model_validate_json(claim.first_answer)
        expires_at = body.expires_at or datetime.now(UTC) + CODES_LAST
        code = JoinCode(only_roster=body.only_roster, max_uses=body.max_uses, uses=0, expires_at=expires_at)
        view = JoinCodeView.of(await groups.create_code(session, caller, group_id, code))
        await claim.keep(view.model_dump_json().encode(), session=session)
    return view


@router.get("/groups/{group_id}/join-codes", responses=documented(Unauthenticated, Forbidden, GroupNotFound))
async def list_join_codes(
    group_id: RowIdInPath, caller: AccountOwner, session: ReadSession, page: RequestedPage
) -> Page[JoinCodeView]:
    """The group's codes, newest first, for owners and assistants."""
    await require_role(session, group_id, caller.user_id, *STAFF)
    rows = await JoinCodeRepository(session).list_of(group_id, page.before, page.fetch)
    return page.page_of(rows, JoinCodeView.of, lambda row: row.id)


@router.delete(
    "/groups/{group_id}/join-codes/{code_id}",
    status_code=204,
    responses=documented(Unauthenticated, Forbidden, GroupNotFound, JoinCodeNotFound),
)
async def delete_join_code(
    group_id: RowIdInPath, code_id: RowIdInPath, caller: AccountOwner, session: Session
) -> None:
    """Delete a code; users who have joined with it stay."""
    await require_role(session, group_id, caller.user_id, *STAFF)
    if not await JoinCodeRepository(session).delete(group_id, code_id):
        raise JoinCodeNotFound


@router.post(
    "/memberships", status_code=201, responses=documented(Unauthenticated, Forbidden, CodeUnknown, GroupFull)
)
async def join_group(
    body: Joining, caller: AccountOwner, groups: Groups, database: OwnDatabase
) -> MembershipView:
    """Join a group with a code. Who is a member already stays one, and no use is counted."""
    async with database.read() as reading:
        group_id = (await groups.find_code(reading, body.code)).group_id
    async with database.transaction_of(turn_of(group_id)) as session:
        return MembershipView.of(await groups.join(session, caller.user_id, body.code))
