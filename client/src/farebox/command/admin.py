"""What administrators can do."""

from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Literal

import typer

from farebox.command import output
from farebox.command.options import Confirmed, Listed, Shared
from farebox.command.prompts import ask_password, confirm
from farebox.command.spreading import command
from farebox.errors import FareboxError, Unavailable

USERS = {
    "id": "id",
    "name": "name",
    "role": "role",
    "disabled": "disabled",
    "tokens": "tokens",
    "held": "held",
    "available": "available",
}
ENTRIES = {
    "when": "created_at",
    "what": "kind",
    "from": "debit",
    "to": "credit",
    "tokens": "amount",
    "for": "action",
    "model": "resource",
    "note": "note",
}
PARTS = {"service": "name", "ready": "ready", "milliseconds": "milliseconds", "what is wrong": "detail"}
UserId = Annotated[int, typer.Argument(metavar="USER", min=1, help="The user's id.")]


@dataclass(frozen=True, kw_only=True)
class UserOptions(Listed):
    min_tokens: Annotated[int | None, typer.Option(min=0, help="Who can spend at least so many.")] = None
    query: Annotated[str | None, typer.Option("--query", "-q", help="Whose name has this in it.")] = None


@command
def users(options: UserOptions) -> None:
    """List users and their tokens, newest first."""
    with options.connect() as client:
        found = client.admin.users(min_tokens=options.min_tokens, query=options.query)
        shown = islice(found, options.limit)
        output.show_rows(shown, USERS, as_json=options.as_json, empty="There are no such users.")


@command
def grant(
    user: UserId,
    tokens: Annotated[int, typer.Argument(min=1, help="How many.")],
    shared: Shared,
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")] = "granted by an administrator",
) -> None:
    """Give a user tokens."""
    with shared.connect() as client:
        given = client.admin.grant(user, tokens, reason)
    if shared.as_json:
        output.show_json(given)
    else:
        output.say(f"User {user} was given {given.amount} tokens and can spend {given.available}.")


@command
def set_role(
    user: UserId,
    role: Annotated[Literal["user", "admin"], typer.Argument(help="The new role.")],
    shared: Shared,
) -> None:
    """Make a user an administrator, or the other way round."""
    with shared.connect() as client:
        changed = client.admin.set_role(user, role)
    if shared.as_json:
        output.show_json(changed)
    else:
        output.say(f"{changed.name} is now: {changed.role}.")


@command
def disable(user: UserId, shared: Shared) -> None:
    """Shut an account; its logins end within seconds."""
    _set_disabled(user, shared, disabled=True)


@command
def enable(user: UserId, shared: Shared) -> None:
    """Open a shut account again."""
    _set_disabled(user, shared, disabled=False)


def _set_disabled(user: int, shared: Shared, *, disabled: bool) -> None:
    with shared.connect() as client:
        changed = client.admin.set_disabled(user, disabled)
    if shared.as_json:
        output.show_json(changed)
    else:
        output.say(f"{changed.name} is {'disabled' if changed.disabled else 'enabled'}.")


@command
def reset_password(user: UserId, shared: Shared) -> None:
    """Give a user a new password; their logins end.

    It is asked for, or read from FAREBOX_NEW_PASSWORD or stdin.
    """
    new = ask_password("New password", variable="FAREBOX_NEW_PASSWORD", twice=True)
    with shared.connect() as client:
        client.admin.set_password(user, new)
    if shared.as_json:
        output.show_json({"changed": user})
    else:
        output.say(f"User {user} has a new password.")


@command
def delete_user(user: UserId, asked: Confirmed) -> None:
    """Delete a user with their models, datasets and API keys."""
    with asked.connect() as client:
        confirm(f"Delete user {user} with all their models and datasets?", yes=asked.yes)
        client.admin.delete_user(user)
    if asked.as_json:
        output.show_json({"deleted": user})
    else:
        output.say(f"User {user} is deleted.")


@command
def set_price(
    action: Annotated[
        Literal["train", "predict", "batch", "metadata"], typer.Argument(help="What it is for.")
    ],
    tokens: Annotated[int, typer.Argument(min=0, help="The new price.")],
    shared: Shared,
    per_units: Annotated[int, typer.Option(min=1, help="For each started so many units.")] = 1,
) -> None:
    """Set a price from now on."""
    with shared.connect() as client:
        price = client.prices.change(action, tokens, per_units)
    if shared.as_json:
        output.show_json(price)
    else:
        output.say(f"{price.action} now costs {price.tokens} for each started {price.per_units}.")


@command
def ledger(listed: Listed) -> None:
    """Show everybody's movements of tokens, newest first."""
    with listed.connect() as client:
        entries = islice(client.admin.ledger(), listed.limit)
        output.show_rows(entries, ENTRIES, as_json=listed.as_json, empty="No token has moved yet.")


@command
def usage(
    shared: Shared,
    by: Annotated[Literal["day", "action", "model", "user"], typer.Option(help="Add up by this.")] = "day",
) -> None:
    """Show what everybody's tokens were spent on."""
    with shared.connect() as client:
        columns = {by: "group", "requests": "requests", "tokens": "tokens"}
        spent = client.admin.usage(by)
        output.show_rows(spent, columns, as_json=shared.as_json, empty="No token has been spent yet.")


@command
def verify(shared: Shared) -> None:
    """Derive every balance anew from the ledger; the exit code is 1 when one differs."""
    with shared.connect() as client:
        check = client.admin.verify_ledger()
    if shared.as_json:
        output.show_json(check)
    else:
        output.show_facts({**check.model_dump(exclude={"house", "differences"}), **check.house})
    if not check.balanced:
        raise FareboxError(f"The books do not balance: {len(check.differences)} balances differ.")


@command
def health(shared: Shared) -> None:
    """Show which services are ready and what they work on; the exit code is 5 when one is not."""
    with shared.connect() as client:
        told = client.admin.health()
    if shared.as_json:
        output.show_json(told)
    else:
        output.show_rows(told.parts, PARTS, as_json=False, empty="There are no services.")
        output.show_facts(
            {
                "jobs waiting": told.jobs_queued,
                "jobs running": told.jobs_running,
                "workers": told.workers,
            }
        )
    if told.not_ready:
        raise Unavailable(f"Not ready: {', '.join(told.not_ready)}.")


app = typer.Typer(help="For administrators: everybody's accounts and the books.", no_args_is_help=True)
for each in (
    users,
    grant,
    set_role,
    disable,
    enable,
    reset_password,
    delete_user,
    set_price,
    ledger,
    usage,
    verify,
    health,
):
    app.command(each.__name__.replace("_", "-"))(each)
