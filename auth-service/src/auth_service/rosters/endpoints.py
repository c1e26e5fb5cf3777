"""Rosters: the people who are expected in a group, as CSV."""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field

from auth_service.errors import GroupNotFound, RosterChanged, RosterInvalid
from auth_service.groups.endpoints import GroupSession
from auth_service.rosters.files import Seat
from auth_service.rosters.service import Comparison, Import, RosterService
from kit.app import strict_router
from kit.authentication import AccountOwner
from kit.database import ReadSession
from kit.errors import Forbidden, InvalidInput, PayloadTooLarge, Unauthenticated
from kit.fields import RowIdInPath
from kit.problems import documented

router = strict_router("/v1/groups/{group_id}/roster", tags=["groups"])

LARGEST_ROSTER = 1024 * 1024
CSV_BODY = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string", "example": "external_id,name\n17,Ada\n"}}},
    }
}


async def _rosters(request: Request) -> RosterService:
    return request.app.state.container.rosters


async def _content(request: Request) -> bytes:
    content = await request.body()
    if len(content) > LARGEST_ROSTER:
        raise PayloadTooLarge(f"A roster has at most {LARGEST_ROSTER} bytes; remove some people.")
    return content


Rosters = Annotated[RosterService, Depends(_rosters)]
Content = Annotated[bytes, Depends(_content)]


class SeatView(BaseModel):
    external_id: str
    account: str | None
    name: str
    role: str
    section: str

    @classmethod
    def of(cls, seat: Seat) -> Self:
        return cls(
            external_id=seat.external_id,
            account=seat.account,
            name=seat.name,
            role=seat.role,
            section=seat.section,
        )


class LineErrorView(BaseModel):
    line: int = Field(description="from 1; 0 if it is about several lines")
    column: str
    detail: str


class RosterDiff(BaseModel):
    """What an import does, or would do."""

    applied: bool
    added: Sequence[SeatView]
    changed: Sequence[SeatView] = Field(description="as they are in the file")
    unchanged: int
    missing: Sequence[str] = Field(description="external ids that the file does not have")
    errors: Sequence[LineErrorView]

    @classmethod
    def of(cls, comparison: Comparison, *, applied: bool) -> Self:
        difference = comparison.difference
        return cls(
            applied=applied,
            added=[SeatView.of(seat) for seat in difference.added.values()],
            changed=[SeatView.of(seat) for seat in difference.changed.values()],
            unchanged=len(difference.unchanged),
            missing=difference.missing,
            errors=[
                LineErrorView(line=error.line, column=error.column, detail=error.detail)
                for error in difference.errors
            ],
        )


@router.get(
    "",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
        **documented(Unauthenticated, Forbidden, GroupNotFound),
    },
)
async def download_roster(
    group_id: RowIdInPath, caller: AccountOwner, rosters: Rosters, session: ReadSession
) -> Response:
    """The roster as CSV with the personal codes that are unused; its import changes nothing."""
    text, version = await rosters.export(session, caller.user_id, group_id)
    headers = {"ETag": f'"{version}"', "Content-Disposition": 'attachment; filename="roster.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.put(
    "",
    openapi_extra=CSV_BODY,
    responses=documented(
        Unauthenticated, Forbidden, GroupNotFound, RosterChanged, RosterInvalid, PayloadTooLarge
    ),
)
async def import_roster(
    group_id: RowIdInPath,
    caller: AccountOwner,
    rosters: Rosters,
    content: Content,
    session: GroupSession,
    response: Response,
    apply: Annotated[bool, Query(description="write the difference; needs its ETag as If-Match")] = False,
    remove_missing: Annotated[bool, Query(description="also remove who is not in the file")] = False,
    personal_codes: Annotated[bool, Query(description="a join code for each person")] = False,
    if_match: Annotated[str | None, Header()] = None,
) -> RosterDiff:
    """Compare a CSV file with the roster and, with `apply`, write all of it or nothing.

    The columns are external_id, account, name, role (member or assistant) and section, separated by commas,
    semicolons or tabs, in UTF-8; external_id and name are needed.
    """
    if apply and if_match is None:
        raise InvalidInput("Send the ETag of the difference that you have seen as If-Match.")
    version = (if_match or "").strip().removeprefix("W/").strip('"')
    sent = Import(content, remove_missing, personal_codes, version)
    write = rosters.apply if apply else rosters.compare
    comparison = await write(session, caller.user_id, group_id, sent)
    response.headers["ETag"] = f'"{comparison.version}"'
    return RosterDiff.of(comparison, applied=apply)
