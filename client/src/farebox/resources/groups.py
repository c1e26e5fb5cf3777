"""Groups: classes, labs and teams with their members, join codes and rosters."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from farebox.calls import Call, Page, Parameter, idempotency_header, json_as, list_call, no_content, text
from farebox.errors import InvalidArgument
from farebox.operations import Resource, S, listing, operation
from farebox.results.groups import (
    Group,
    GroupKind,
    GroupRole,
    GroupState,
    JoinCode,
    Member,
    Membership,
    RosterDiff,
)


class Groups(Resource[S]):
    """The groups that the account belongs to."""

    @operation
    def create(
        self,
        name: str,
        kind: GroupKind = "class",
        *,
        time_zone: str = "UTC",
        idempotency_key: str | None = None,
    ) -> Call[Group]:
        """Create a group; you are its owner. `time_zone` is a name such as `Europe/Berlin`."""
        group = {"name": name, "kind": kind, "time_zone": time_zone}
        return Call(
            "POST", "/v1/groups", json_as(Group), json=group, headers=idempotency_header(idempotency_key)
        )

    @listing
    def list(self, *, everyones: bool = False) -> Call[Page[Group]]:
        """Your groups, newest first; all groups with `everyones`, for administrators."""
        params: Mapping[str, Parameter] = {"all": "true"} if everyones else {}
        return list_call("/v1/groups", Group, params)

    @operation
    def get(self, group_id: int) -> Call[Group]:
        """One of your groups."""
        return Call("GET", f"/v1/groups/{group_id}", json_as(Group))

    @operation
    def change(
        self,
        group_id: int,
        *,
        name: str | None = None,
        time_zone: str | None = None,
        state: GroupState | None = None,
    ) -> Call[Group]:
        """Change the name, the time zone or the state; in an archived group nobody joins or spends."""
        changes = {"name": name, "time_zone": time_zone, "state": state}
        given = {field: value for field, value in changes.items() if value is not None}
        return Call("PATCH", f"/v1/groups/{group_id}", json_as(Group), json=given)

    @operation
    def delete(self, group_id: int) -> Call[None]:
        """Delete a group with its roster, its codes and the rest of its tokens."""
        return Call("DELETE", f"/v1/groups/{group_id}", no_content, repeatable=False)

    @listing
    def members(self, group_id: int) -> Call[Page[Member]]:
        """The members, newest account first; for owners and assistants."""
        return list_call(f"/v1/groups/{group_id}/members", Member)

    @operation
    def join(self, code: str) -> Call[Membership]:
        """Join a group with a code."""
        return Call("POST", "/v1/memberships", json_as(Membership), json={"code": code})

    @operation
    def leave(self, group_id: int) -> Call[None]:
        """Leave a group; your allowance goes back to its pool."""
        return Call("DELETE", f"/v1/groups/{group_id}/members/me", no_content, repeatable=False)

    @operation
    def set_alias(self, group_id: int, alias: str) -> Call[Membership]:
        """Choose the alias that other members see."""
        path = f"/v1/groups/{group_id}/members/me"
        return Call("PATCH", path, json_as(Membership), json={"alias": alias})

    @operation
    def set_role(self, group_id: int, user_id: int, role: GroupRole) -> Call[Membership]:
        """Make a member an owner, an assistant or a member; for owners."""
        path = f"/v1/groups/{group_id}/members/{user_id}"
        return Call("PATCH", path, json_as(Membership), json={"role": role})

    @operation
    def remove(self, group_id: int, user_id: int) -> Call[None]:
        """Remove a member, who comes back by a personal code only; for owners and assistants."""
        path = f"/v1/groups/{group_id}/members/{user_id}"
        return Call("DELETE", path, no_content, repeatable=False)

    @operation
    def create_join_code(
        self,
        group_id: int,
        *,
        expires_at: datetime | None = None,
        max_uses: int | None = None,
        only_roster: bool = False,
    ) -> Call[JoinCode]:
        """Create a code with which people join; without `expires_at`, it lasts 30 days.

        `expires_at` has an offset. With `only_roster`, only accounts that the roster names can use it.
        """
        code: dict[str, object] = {"only_roster": only_roster}
        if expires_at is not None:
            code["expires_at"] = expires_at.isoformat()
        if max_uses is not None:
            code["max_uses"] = max_uses
        path = f"/v1/groups/{group_id}/join-codes"
        return Call("POST", path, json_as(JoinCode), json=code, headers=idempotency_header())

    @listing
    def join_codes(self, group_id: int) -> Call[Page[JoinCode]]:
        """The codes, newest first, personal ones included."""
        return list_call(f"/v1/groups/{group_id}/join-codes", JoinCode)

    @operation
    def delete_join_code(self, group_id: int, code_id: int) -> Call[None]:
        """Delete a code; users who have joined with it stay."""
        return Call("DELETE", f"/v1/groups/{group_id}/join-codes/{code_id}", no_content, repeatable=False)

    @operation
    def roster(self, group_id: int) -> Call[str]:
        """The roster as CSV, with the personal codes that are unused."""
        return Call("GET", _roster_of(group_id), text)

    @operation
    def compare_roster(
        self, group_id: int, roster: Path | str | bytes, *, remove_missing: bool = False
    ) -> Call[RosterDiff]:
        """The difference between a CSV file and the roster; nothing is written."""
        params: Mapping[str, Parameter] = {"remove_missing": str(remove_missing).lower()}
        return _put_roster(group_id, roster, params, {})

    @operation
    def apply_roster(
        self,
        group_id: int,
        roster: Path | str | bytes,
        seen: RosterDiff,
        *,
        remove_missing: bool = False,
        personal_codes: bool = False,
    ) -> Call[RosterDiff]:
        """Write a CSV file whose difference was `seen`; raises Conflict if the roster has changed since.

        With `personal_codes`, each person who has not joined gets a join code; `roster` shows them.
        """
        params: Mapping[str, Parameter] = {
            "apply": "true",
            "remove_missing": str(remove_missing).lower(),
            "personal_codes": str(personal_codes).lower(),
        }
        return _put_roster(group_id, roster, params, {"If-Match": seen.version})


def _put_roster(
    group_id: int, roster: Path | str | bytes, params: Mapping[str, Parameter], headers: Mapping[str, str]
) -> Call[RosterDiff]:
    return Call(
        "PUT",
        _roster_of(group_id),
        RosterDiff.of,
        params=params,
        content=roster if isinstance(roster, bytes) else read_file(Path(roster)),
        headers={"Content-Type": "text/csv", **headers},
    )


def _roster_of(group_id: int) -> str:
    return f"/v1/groups/{group_id}/roster"


def read_file(path: Path) -> bytes:
    """The content; raises InvalidArgument."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}.") from error
