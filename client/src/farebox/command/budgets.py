"""`farebox use` and `funds`, and the commands of `farebox groups` about tokens."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, cast, get_args

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, AsJson, GroupId, Limit, Url, Yes, row_id
from farebox.command.prompts import confirm, read_secret
from farebox.command.wallet import USAGE_COLUMNS
from farebox.errors import InvalidArgument
from farebox.resources.budgets import GroupedBy, LimitScope
from farebox.results.budgets import Source

OWN = "own"
PAYER_COLUMNS = {
    "pays": "kind",
    "account": "account",
    "available": "available",
    "held": "held",
    "expires": "expires_at",
}
RULE_COLUMNS = {
    "id": "id",
    "tokens": "amount",
    "every": "every",
    "keeps": "keeps",
    "next": "next_at",
    "ends": "ends_at",
    "short by": "short_by",
    "stopped": "stopped",
}
LIMIT_COLUMNS = {
    "id": "id",
    "tokens": "amount",
    "every": "every",
    "context": "context",
    "user": "user_id",
    "api key": "api_key_id",
}
Amount = Annotated[int, typer.Argument(min=1, help="The number of tokens.")]
Every = Annotated[str, typer.Option(help="The length of a period: P1D, P1W, P2W or P1M.")]

app = typer.Typer()
group_app = typer.Typer()


@app.command()
@handle_errors
def use(
    payer: Annotated[str, typer.Argument(metavar="GROUP", help="The group's id, or 'own' for your wallet.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Choose who pays for your work from now on: a group, or your own wallet."""
    group = None if payer == OWN else row_id(payer)
    with Farebox(url) as client:
        chosen = client.budgets.set_payer(group)
    text = "Your own wallet pays." if group is None else f"Group {group} pays."
    output.show_outcome(chosen, text, as_json=as_json)


@app.command()
@handle_errors
def funds(
    group: Annotated[
        int | None,
        typer.Argument(
            metavar="GROUP", parser=row_id, help="The group's id.", show_default="your default payer"
        ),
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show which accounts pay for your work, in the order in which they are spent."""
    with Farebox(url) as client:
        found = client.budgets.funds(group)
    if as_json:
        output.show_json(found)
        return
    output.show_rows(found.payers, PAYER_COLUMNS, as_json=False, empty="No account pays in this group.")
    if found.renews_at is not None:
        output.message(f"The next allowance comes at {found.renews_at.astimezone():%Y-%m-%d %H:%M}.")


@group_app.command()
@handle_errors
def fund(
    group: GroupId,
    amount: Amount,
    reason: Annotated[
        str | None,
        typer.Option(help="Grant them as an administrator, for this reason.", show_default=False),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add tokens to the pool of a group: bought with a card, or granted with --reason.

    The card number is prompted for, or read from FAREBOX_CARD or stdin.
    """
    with Farebox(url) as client:
        if reason is not None:
            granted = client.budgets.grant(group, amount, reason)
            added, available = granted, granted.available
        else:
            card = read_secret("Card number", variable="FAREBOX_CARD")
            confirm(f"Buy {output.tokens(amount)} for group {group} with this card?", yes=yes)
            bought = client.budgets.buy(group, amount, credit_card=card)
            added, available = bought, bought.available
    text = f"The pool of group {group} has {output.tokens(available)} now."
    output.show_outcome(added, text, as_json=as_json)


@group_app.command()
@handle_errors
def wallet(group: GroupId, as_json: AsJson = False, url: Url = None) -> None:
    """Show the tokens of a group: of all members for its staff, else yours."""
    with Farebox(url) as client:
        found = client.budgets.wallet(group)
    if as_json:
        output.show_json(found)
        return
    pool = {} if found.pool is None else {"pool": found.pool.available, "pool, held": found.pool.held}
    allowances = {"allowances": found.allowances.available, "allowances, held": found.allowances.held}
    output.show_facts({"pays from": list(found.pays_from), **pool, **allowances})


@group_app.command()
@handle_errors
def pay_from(
    group: GroupId,
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="allowance, pool and own, in their order.")
    ],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Set the accounts that pay for the group's work; own is each member's wallet."""
    with Farebox(url) as client:
        payment = client.budgets.set_payment(group, _sources(sources))
    text = f"Work in group {group} is paid from: {', '.join(payment.pays_from)}."
    output.show_outcome(payment, text, as_json=as_json)


@group_app.command()
@handle_errors
def allow(
    group: GroupId,
    amount: Amount,
    every: Every = "P1W",
    keeps: Annotated[int, typer.Option(min=1, help="For how many periods an allowance lasts.")] = 1,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Give each member this many tokens for each period, from now on."""
    with Farebox(url) as client:
        rule = client.budgets.add_allowance_rule(group, amount, every, keeps=keeps)
    text = f"Each member of group {group} gets {output.tokens(amount)} every {every}, from the pool."
    if rule.short_by:
        text += f" Nobody has any yet: the pool lacks {output.tokens(rule.short_by)}."
    output.show_outcome(rule, text, as_json=as_json)


@group_app.command()
@handle_errors
def allowances(
    group: GroupId, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None
) -> None:
    """List the allowance rules of a group."""
    with Farebox(url) as client:
        rules = islice(client.budgets.allowance_rules(group), limit)
        empty = f"There are none; add one with: farebox groups allow {group} TOKENS"
        output.show_rows(rules, RULE_COLUMNS, as_json=as_json, empty=empty)


@group_app.command()
@handle_errors
def stop_allowance(
    group: GroupId,
    rule: Annotated[int, typer.Argument(metavar="RULE", parser=row_id, help="Its id, from the list.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Stop an allowance rule; allowances that were issued stay."""
    with Farebox(url) as client:
        stopped = client.budgets.change_allowance_rule(group, rule, stopped=True)
    output.show_outcome(stopped, f"Rule {rule} issues no more allowances.", as_json=as_json)


@group_app.command()
@handle_errors
def limit(
    group: GroupId,
    amount: Annotated[int, typer.Argument(min=0, help="The most tokens.")],
    every: Annotated[
        str | None, typer.Option(help="The length of a period: P1D, P1W, P1M.", show_default="for ever")
    ] = None,
    user: Annotated[
        int | None, typer.Option(parser=row_id, metavar="USER", help="The user.", show_default="each member")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="The work, such as challenge:17.", show_default="all work")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Limit what each member, or one, spends of the group's tokens."""
    with Farebox(url) as client:
        scope = LimitScope()
        if user is not None:
            scope["user_id"] = user
        if context is not None:
            scope["context"] = context
        added = client.budgets.add_limit(group, amount, every, **scope)
    output.show_outcome(added, f"Limit {added.id} of group {group} is set.", as_json=as_json)


@group_app.command()
@handle_errors
def limits(group: GroupId, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None) -> None:
    """List the spending limits of a group."""
    with Farebox(url) as client:
        found = islice(client.budgets.limits(group), limit)
        empty = f"There are none; add one with: farebox groups limit {group} TOKENS"
        output.show_rows(found, LIMIT_COLUMNS, as_json=as_json, empty=empty)


@group_app.command()
@handle_errors
def delete_limit(
    group: GroupId,
    limit: Annotated[int, typer.Argument(metavar="LIMIT", parser=row_id, help="Its id, from the list.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Delete a spending limit."""
    with Farebox(url) as client:
        client.budgets.delete_limit(group, limit)
    output.show_outcome({"deleted": limit}, f"Limit {limit} is deleted.", as_json=as_json)


@group_app.command()
@handle_errors
def spending(
    group: GroupId,
    by: Annotated[GroupedBy, typer.Option(help="The column to group by.")] = "user",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show the tokens that a group paid, by user, day, action, model or context."""
    with Farebox(url) as client:
        spent = client.budgets.usage(group, by)
        columns = {by: "group", **USAGE_COLUMNS}
        output.show_rows(spent, columns, as_json=as_json, empty="No tokens have been spent yet.")


def _sources(names: Sequence[str]) -> list[Source]:
    known = get_args(Source)
    if not set(names).issubset(known):
        raise InvalidArgument(f"The accounts are {', '.join(known)}.")
    return cast(list[Source], list(names))
