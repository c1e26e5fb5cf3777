"""`farebox admin`: users, grants, prices, the ledger and the system's health."""

from itertools import islice
from typing import Annotated, Literal

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, AsJson, Limit, Url, Yes, row_id
from farebox.command.prompts import confirm, read_secret
from farebox.command.wallet import USAGE_COLUMNS
from farebox.errors import FareboxError, Unavailable

USER_COLUMNS = {
    "id": "id",
    "name": "name",
    "role": "role",
    "disabled": "disabled",
    "tokens": "tokens",
    "held": "held",
    "available": "available",
}
ENTRY_COLUMNS = {
    "created": "created_at",
    "kind": "kind",
    "debit": "debit",
    "credit": "credit",
    "tokens": "amount",
    "action": "action",
    "model": "resource",
    "note": "note",
}
SERVICE_COLUMNS = {"service": "name", "ready": "ready", "milliseconds": "milliseconds", "detail": "detail"}
UserId = Annotated[int, typer.Argument(metavar="USER", parser=row_id, help="The user's id.")]
Action = Annotated[
    Literal["train", "predict", "batch", "metadata", "score"], typer.Argument(help="The action.")
]

app = typer.Typer(help="For administrators: all accounts, prices and the books.", no_args_is_help=True)


@app.command()
@handle_errors
def users(
    min_tokens: Annotated[int | None, typer.Option(min=0, help="Minimum of available tokens.")] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="A part of the name.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List users and their tokens, newest first."""
    with Farebox(url) as client:
        users = islice(client.admin.users(min_tokens=min_tokens, query=query), limit)
        output.show_rows(users, USER_COLUMNS, as_json=as_json, empty="No user matches.")


@app.command()
@handle_errors
def create_user(
    name: Annotated[str, typer.Argument(help="The account's name, such as an e-mail address.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create another user's account, also while sign-up is closed.

    The new password is prompted for, or read from FAREBOX_NEW_PASSWORD or stdin.
    """
    password = read_secret("Initial password", variable="FAREBOX_NEW_PASSWORD", twice=True)
    with Farebox(url) as client:
        user = client.admin.create_user(name, password)
    output.show_outcome(user, f"User {user.id}, {user.name}, is created.", as_json=as_json)


@app.command()
@handle_errors
def grant(
    user: UserId,
    tokens: Annotated[int, typer.Argument(min=1, help="The number of tokens.")],
    reason: Annotated[str, typer.Option(help="Stored in the ledger.")] = "granted by an administrator",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Grant a user tokens."""
    with Farebox(url) as client:
        granted = client.admin.grant(user, tokens, reason)
    text = f"Granted {output.tokens(granted.amount)} to user {user}; {granted.available:,} are available."
    output.show_outcome(granted, text, as_json=as_json)


@app.command()
@handle_errors
def set_role(
    user: UserId,
    role: Annotated[Literal["user", "admin"], typer.Argument(help="The new role.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Make a user an administrator, or an administrator a user."""
    with Farebox(url) as client:
        changed = client.admin.set_role(user, role)
    output.show_outcome(changed, f"{changed.name} has the role {changed.role}.", as_json=as_json)


@app.command()
@handle_errors
def disable(user: UserId, as_json: AsJson = False, url: Url = None) -> None:
    """Disable an account; its logins end within seconds."""
    with Farebox(url) as client:
        changed = client.admin.set_disabled(user, True)
    output.show_outcome(changed, f"{changed.name} is disabled.", as_json=as_json)


@app.command()
@handle_errors
def enable(user: UserId, as_json: AsJson = False, url: Url = None) -> None:
    """Enable a disabled account."""
    with Farebox(url) as client:
        changed = client.admin.set_disabled(user, False)
    output.show_outcome(changed, f"{changed.name} is enabled.", as_json=as_json)


@app.command()
@handle_errors
def reset_password(user: UserId, as_json: AsJson = False, url: Url = None) -> None:
    """Reset a user's password; their logins end and their API keys are revoked.

    The new password is prompted for, or read from FAREBOX_NEW_PASSWORD or stdin.
    """
    new = read_secret("New password", variable="FAREBOX_NEW_PASSWORD", twice=True)
    with Farebox(url) as client:
        client.admin.set_password(user, new)
    text = f"User {user} has a new password and no API keys."
    output.show_outcome({"changed": user}, text, as_json=as_json)


@app.command()
@handle_errors
def delete_user(user: UserId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Delete a user with their models, datasets and API keys."""
    with Farebox(url) as client:
        confirm(f"Delete user {user} with all their models and datasets?", yes=yes)
        client.admin.delete_user(user)
    output.show_outcome({"deleted": user}, f"User {user} is deleted.", as_json=as_json)


@app.command()
@handle_errors
def set_price(
    action: Action,
    tokens: Annotated[int, typer.Argument(min=0, help="The new price.")],
    per_units: Annotated[int, typer.Option(min=1, help="The number of units that the price covers.")] = 1,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Set a price, effective immediately."""
    with Farebox(url) as client:
        price = client.prices.change(action, tokens, per_units)
    text = f"{price.action} now costs {output.tokens(price.tokens)} for each started {price.per_units:,}."
    output.show_outcome(price, text, as_json=as_json)


@app.command()
@handle_errors
def ledger(limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None) -> None:
    """Show all users' movements of tokens, newest first."""
    with Farebox(url) as client:
        entries = islice(client.admin.ledger(), limit)
        output.show_rows(entries, ENTRY_COLUMNS, as_json=as_json, empty="The ledger is empty.")


@app.command()
@handle_errors
def usage(
    by: Annotated[
        Literal["day", "action", "model", "user"], typer.Option(help="The column to group by.")
    ] = "day",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show the tokens that all users spent, by day, action, model or user."""
    with Farebox(url) as client:
        spent = client.admin.usage(by)
        columns = {by: "group", **USAGE_COLUMNS}
        output.show_rows(spent, columns, as_json=as_json, empty="No tokens have been spent yet.")


@app.command()
@handle_errors
def verify(as_json: AsJson = False, url: Url = None) -> None:
    """Compare every balance with the ledger; the exit code is 1 when a balance differs."""
    with Farebox(url) as client:
        check = client.admin.verify_ledger()
    if as_json:
        output.show_json(check)
    else:
        output.show_facts({**check.model_dump(exclude={"house", "groups", "differences"}), **check.house})
    if not check.balanced:
        raise FareboxError(f"The books do not balance: {len(check.differences)} balances differ.")


@app.command()
@handle_errors
def health(as_json: AsJson = False, url: Url = None) -> None:
    """Show each service's readiness and the jobs; the exit code is 5 when a service is not ready."""
    with Farebox(url) as client:
        system = client.admin.health()
    if as_json:
        output.show_json(system)
    else:
        output.show_rows(system.parts, SERVICE_COLUMNS, as_json=False, empty="There are no services.")
        output.show_facts(
            {
                "queued jobs": system.jobs_queued,
                "running jobs": system.jobs_running,
                "workers": system.workers,
            }
        )
    if system.not_ready:
        raise Unavailable(f"Not ready: {', '.join(system.not_ready)}.")
