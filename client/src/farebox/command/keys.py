"""`farebox keys`: API keys."""

from itertools import islice
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, AsJson, Limit, ListByDefault, PayingGroup, Url, Yes, row_id
from farebox.command.prompts import confirm
from farebox.errors import InvalidArgument
from farebox.resources.account import SCOPES, Scope

COLUMNS = {
    "id": "id",
    "name": "name",
    "prefix": "prefix",
    "scopes": "scopes",
    "token cap": "token_cap",
    "group": "group_id",
    "expires": "expires_at",
    "last used": "last_used_at",
}
ALL_SCOPES = ",".join(SCOPES)
Scopes = Annotated[str, typer.Option(help="Permissions, separated by commas.")]
TokenCap = Annotated[int | None, typer.Option(min=1, help="The number of tokens it may spend in all.")]
Days = Annotated[int | None, typer.Option(min=1, help="Days until it expires.", show_default="never")]

app = typer.Typer(help="API keys: credentials for scripts, with fewer permissions.", cls=ListByDefault)


@app.command("list")
@handle_errors
def list_keys(limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None) -> None:
    """List your API keys, newest first."""
    with Farebox(url) as client:
        keys = islice(client.api_keys.list(), limit)
        empty = "There are no API keys yet; create one with: farebox keys create NAME"
        output.show_rows(keys, COLUMNS, as_json=as_json, empty=empty)


@app.command()
@handle_errors
def create(
    name: Annotated[str, typer.Argument(help="The key's name, such as its purpose.")],
    scopes: Scopes = ALL_SCOPES,
    token_cap: TokenCap = None,
    expires_in_days: Days = None,
    group: PayingGroup = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create an API key and print it; it is not shown again.

    Set FAREBOX_API_KEY to use it.
    """
    with Farebox(url) as client:
        created = client.api_keys.create(
            name,
            scopes=_read_scopes(scopes),
            token_cap=token_cap,
            expires_in_days=expires_in_days,
            group_id=group,
        )
    if as_json:
        output.show_json(created)
        return
    typer.echo(created.api_key)
    output.message(f"Key {created.id} is created. Copy it now; it is not shown again.")


@app.command()
@handle_errors
def revoke(
    key: Annotated[int, typer.Argument(metavar="KEY", parser=row_id, help="The key's id, from the list.")],
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Revoke an API key; it stops working within seconds."""
    with Farebox(url) as client:
        confirm(f"Revoke API key {key}?", yes=yes)
        client.api_keys.revoke(key)
    output.show_outcome({"revoked": key}, f"API key {key} is revoked.", as_json=as_json)


def _read_scopes(text: str) -> list[Scope]:
    names = {name.strip() for name in text.split(",")}
    if not names.issubset(SCOPES):
        raise InvalidArgument(f"The scopes are {', '.join(SCOPES)}.")
    return [scope for scope in SCOPES if scope in names]
