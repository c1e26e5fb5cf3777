"""Groups, their members, join codes and rosters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter

from farebox.calls import Response
from farebox.results.base import Result

GroupKind = Literal["class", "lab", "team"]
GroupRole = Literal["owner", "assistant", "member"]
GroupState = Literal["active", "archived"]


class Group(Result):
    """A class, a lab or a team; `role` is yours, None for an administrator who is not a member."""

    id: int
    name: str
    kind: GroupKind
    time_zone: str
    state: GroupState
    role: GroupRole | None


class Membership(Result):
    """Somebody's role in a group, and the alias that the other members see."""

    group_id: int
    role: GroupRole
    alias: str


class Member(Result):
    """A member, with the person of the roster whose seat it has."""

    user_id: int
    account: str
    display_name: str | None
    role: GroupRole
    alias: str
    joined_at: datetime
    external_id: str | None
    name: str | None
    section: str | None


class JoinCode(Result):
    """A code with which `max_uses` people can join a group, or one person of the roster."""

    id: int
    code: str
    only_roster: bool
    personal: bool
    max_uses: int
    uses: int
    expires_at: datetime


class Seat(Result):
    """A person of a roster."""

    external_id: str
    account: str | None
    name: str
    role: Literal["assistant", "member"]
    section: str


class LineError(Result):
    """A fault of a roster's file; `line` is 0 if it is about several lines."""

    line: int
    column: str
    detail: str


class RosterDiff(Result):
    """The difference between a file and a roster; `version` is that of the roster it was compared with."""

    applied: bool
    added: Sequence[Seat]
    changed: Sequence[Seat]
    unchanged: int
    missing: Sequence[str]
    errors: Sequence[LineError]
    version: str = ""

    @classmethod
    def of(cls, response: Response) -> "RosterDiff":
        diff = TypeAdapter(cls).validate_json(response.body)
        return diff.model_copy(update={"version": response.headers["etag"]})
