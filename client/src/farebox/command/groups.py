"""`farebox groups`: classes, labs and teams, their members, join codes and rosters."""

from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import budgets, output
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, AsJson, GroupId, Limit, ListByDefault, Url, Yes, row_id
from farebox.command.prompts import confirm
from farebox.errors import InvalidInput
from farebox.resources.groups import read_file
from farebox.results.groups import GroupKind, GroupRole, RosterDiff

GROUP_COLUMNS = {"id": "id", "name": "name", "kind": "kind", "role": "role", "state": "state"}
MEMBER_COLUMNS = {
    "user": "user_id",
    "account": "account",
    "role": "role",
    "alias": "alias",
    "external id": "external_id",
    "name": "name",
    "section": "section",
    "joined": "joined_at",
}
CODE_COLUMNS = {
    "id": "id",
    "code": "code",
    "personal": "personal",
    "only roster": "only_roster",
    "uses": "uses",
    "at most": "max_uses",
    "expires": "expires_at",
}
UserId = Annotated[
    int, typer.Argument(metavar="USER", parser=row_id, help="The user's id, from the members.")
]

app = typer.Typer(help="Groups: classes, labs and teams.", cls=ListByDefault)
app.add_typer(budgets.group_app)


@app.command("list")
@handle_errors
def list_groups(
    everyones: Annotated[bool, typer.Option("--all", help="All groups, for administrators.")] = False,
    limit: Limit = DEFAULT_LIMIT,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List your groups, newest first."""
    with Farebox(url) as client:
        groups = islice(client.groups.list(everyones=everyones), limit)
        empty = "You are in no group; join one with: farebox groups join CODE"
        output.show_rows(groups, GROUP_COLUMNS, as_json=as_json, empty=empty)


@app.command()
@handle_errors
def create(
    name: Annotated[str, typer.Argument(help="The group's name.")],
    kind: Annotated[GroupKind, typer.Option(help="Its kind.")] = "class",
    time_zone: Annotated[str, typer.Option(help="Its time zone, such as Europe/Berlin.")] = "UTC",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create a group; you are its owner."""
    with Farebox(url) as client:
        group = client.groups.create(name, kind, time_zone=time_zone)
    output.show_outcome(group, f"Group {group.id}, {group.name}, is created.", as_json=as_json)


@app.command()
@handle_errors
def join(
    code: Annotated[str, typer.Argument(help="The join code, such as 7XQ2M-0ZRTA.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Join a group with a code."""
    with Farebox(url) as client:
        joined = client.groups.join(code)
    text = f"You are in group {joined.group_id}; other members see you as {joined.alias}."
    output.show_outcome(joined, text, as_json=as_json)


@app.command()
@handle_errors
def leave(group: GroupId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Leave a group; your allowance goes back to its pool."""
    with Farebox(url) as client:
        confirm(f"Leave group {group}?", yes=yes)
        client.groups.leave(group)
    output.show_outcome({"left": group}, f"You have left group {group}.", as_json=as_json)


@app.command()
@handle_errors
def members(group: GroupId, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None) -> None:
    """List the members of a group, for owners and assistants."""
    with Farebox(url) as client:
        rows = islice(client.groups.members(group), limit)
        output.show_rows(rows, MEMBER_COLUMNS, as_json=as_json, empty="The group has no members.")


@app.command()
@handle_errors
def set_role(
    group: GroupId,
    user: UserId,
    role: Annotated[GroupRole, typer.Argument(help="The new role.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Make a member an owner, an assistant or a member."""
    with Farebox(url) as client:
        changed = client.groups.set_role(group, user, role)
    text = f"User {user} has the role {changed.role} in group {group}."
    output.show_outcome(changed, text, as_json=as_json)


@app.command()
@handle_errors
def remove(group: GroupId, user: UserId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Remove a member, who can come back by a personal code only."""
    with Farebox(url) as client:
        confirm(f"Remove user {user} from group {group}?", yes=yes)
        client.groups.remove(group, user)
    output.show_outcome({"removed": user}, f"User {user} has left group {group}.", as_json=as_json)


@app.command()
@handle_errors
def code(
    group: GroupId,
    max_uses: Annotated[int | None, typer.Option(min=1, help="How many people can use it.")] = None,
    expires: Annotated[
        datetime | None, typer.Option(help="Its last moment, in your time.", show_default="in 30 days")
    ] = None,
    only_roster: Annotated[bool, typer.Option(help="Only for accounts that the roster names.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create a join code and print it."""
    with Farebox(url) as client:
        created = client.groups.create_join_code(
            group,
            max_uses=max_uses,
            expires_at=expires.astimezone() if expires else None,
            only_roster=only_roster,
        )
    if as_json:
        output.show_json(created)
        return
    typer.echo(created.code)
    output.message(f"It is for group {group} and expires {created.expires_at.astimezone():%Y-%m-%d %H:%M}.")


@app.command()
@handle_errors
def codes(group: GroupId, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None) -> None:
    """List the join codes of a group."""
    with Farebox(url) as client:
        rows = islice(client.groups.join_codes(group), limit)
        empty = f"There are no codes; create one with: farebox groups code {group}"
        output.show_rows(rows, CODE_COLUMNS, as_json=as_json, empty=empty)


@app.command()
@handle_errors
def delete_code(
    group: GroupId,
    code: Annotated[int, typer.Argument(metavar="CODE", parser=row_id, help="The code's id, from the list.")],
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Delete a join code; users who have joined with it stay."""
    with Farebox(url) as client:
        confirm(f"Delete join code {code} of group {group}?", yes=yes)
        client.groups.delete_join_code(group, code)
    output.show_outcome({"deleted": code}, f"Join code {code} is deleted.", as_json=as_json)


@app.command()
@handle_errors
def roster(
    group: GroupId,
    file: Annotated[Path | None, typer.Argument(help="A CSV file to import.", show_default=False)] = None,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Also remove who is not in the file.")
    ] = False,
    personal_codes: Annotated[
        bool, typer.Option("--personal-codes", help="A join code for each person.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print the roster as CSV, or compare a file with it and write the difference.

    The columns are external_id, account, name, role and section; external_id and name are needed.
    """
    with Farebox(url) as client:
        if file is None:
            text = client.groups.roster(group)
            output.show_json({"roster": text}) if as_json else typer.echo(text, nl=False)
            return
        # Read once, so that what is written is what was compared.
        content = read_file(file)
        diff = client.groups.compare_roster(group, content, remove_missing=remove_missing)
        if diff.errors:
            faults = "\n".join(f"line {error.line}: {error.detail}" for error in diff.errors)
            raise InvalidInput(f"The roster has invalid lines, so nothing was written:\n{faults}")
        _show_difference(diff)
        confirm("Write this difference?", yes=yes)
        applied = client.groups.apply_roster(
            group, content, diff, remove_missing=remove_missing, personal_codes=personal_codes
        )
    output.show_outcome(applied, f"The roster of group {group} is written.", as_json=as_json)


@app.command()
@handle_errors
def archive(group: GroupId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Archive a group: nobody joins it or spends its tokens, and everything stays."""
    with Farebox(url) as client:
        confirm(f"Archive group {group}?", yes=yes)
        changed = client.groups.change(group, state="archived")
    output.show_outcome(changed, f"Group {group}, {changed.name}, is archived.", as_json=as_json)


@app.command()
@handle_errors
def delete(group: GroupId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Delete a group with its roster, its codes and the rest of its tokens."""
    with Farebox(url) as client:
        name = client.groups.get(group).name
        confirm(f"Delete group {group}, {name}? This cannot be undone.", yes=yes)
        client.groups.delete(group)
    output.show_outcome({"deleted": group}, f"Group {group}, {name}, is deleted.", as_json=as_json)


def _show_difference(diff: RosterDiff) -> None:
    for seat in diff.added:
        output.message(f"+ {seat.external_id} {seat.name}")
    for seat in diff.changed:
        output.message(f"~ {seat.external_id} {seat.name}")
    for external_id in diff.missing:
        output.message(f"- {external_id}")
    counts = f"{len(diff.added)} added, {len(diff.changed)} changed, {diff.unchanged} unchanged"
    output.message(f"{counts}, {len(diff.missing)} not in the file.")
