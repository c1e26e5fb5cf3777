"""API keys."""

from dataclasses import dataclass
from itertools import islice
from typing import Annotated

import typer

from farebox.command import output
from farebox.command.groups import make_group
from farebox.command.options import Confirmed, Listed
from farebox.command.prompts import confirm
from farebox.command.spreading import command
from farebox.errors import UnusableInput
from farebox.resources.api_keys import SCOPES, Scope

COLUMNS = {
    "id": "id",
    "name": "name",
    "starts with": "prefix",
    "scopes": "scopes",
    "token cap": "token_cap",
    "expires": "expires_at",
    "last used": "last_used_at",
}


@dataclass(frozen=True, kw_only=True)
class KeyOptions(Confirmed):
    """What a key may do."""

    scopes: Annotated[str, typer.Option(help="What it may do, with commas between.")] = ",".join(SCOPES)
    token_cap: Annotated[int | None, typer.Option(min=1, help="The most tokens it may ever spend.")] = None
    expires_in_days: Annotated[int | None, typer.Option(min=1, help="When it ends.")] = None


@command
def show_all(listed: Listed) -> None:
    """List your API keys, newest first."""
    with listed.connect() as client:
        found = islice(client.api_keys.list(), listed.limit)
        empty = "There are no API keys yet; make one with: farebox keys create NAME"
        output.show_rows(found, COLUMNS, as_json=listed.as_json, empty=empty)


@command
def create(name: Annotated[str, typer.Argument(help="What it is for.")], options: KeyOptions) -> None:
    """Make a key, and print it this once.

    Set FAREBOX_API_KEY to use it.
    """
    with options.connect() as client:
        made = client.api_keys.create(
            name,
            scopes=_read_scopes(options.scopes),
            token_cap=options.token_cap,
            expires_in_days=options.expires_in_days,
        )
    if options.as_json:
        output.show_json(made)
        return
    typer.echo(made.api_key)
    output.say(f"This is key {made.id}; it is not shown again.")


@command
def revoke(
    key: Annotated[int, typer.Argument(min=1, help="The id that the list shows.")], asked: Confirmed
) -> None:
    """End a key; it stops working within seconds."""
    with asked.connect() as client:
        confirm(f"End API key {key}?", yes=asked.yes)
        client.api_keys.revoke(key)
    if asked.as_json:
        output.show_json({"revoked": key})
    else:
        output.say(f"API key {key} has ended.")


def _read_scopes(wanted: str) -> list[Scope]:
    names = {each.strip() for each in wanted.split(",")}
    if not names.issubset(SCOPES):
        raise UnusableInput(f"The scopes are {', '.join(SCOPES)}.")
    return [each for each in SCOPES if each in names]


app = make_group("Credentials for scripts, with less power than a password.", show_all, create, revoke)
