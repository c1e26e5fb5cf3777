"""Tokens: what there is, where it went, and buying more."""

from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Literal

import typer

from farebox.command import output
from farebox.command.options import Confirmed, Listed, Shared
from farebox.command.prompts import ask_password, confirm
from farebox.command.spreading import command

MOVEMENTS = {
    "when": "created_at",
    "what": "kind",
    "tokens": "amount",
    "balance": "balance",
    "for": "action",
    "model": "resource",
    "note": "note",
    "receipt": "receipt_id",
}


@dataclass(frozen=True, kw_only=True)
class LedgerOptions(Listed):
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the whole ledger as CSV.")] = False


@command
def balance(shared: Shared) -> None:
    """Show how many tokens there are, and how many can be spent."""
    with shared.connect() as client:
        wallet = client.wallet.balance()
    if shared.as_json:
        output.show_json(wallet)
    else:
        output.show_facts({"tokens": wallet.tokens, "held": wallet.held, "available": wallet.available})


@command
def ledger(options: LedgerOptions) -> None:
    """Show where each token came from and went, newest first."""
    with options.connect() as client:
        if options.as_csv:
            typer.echo(client.wallet.ledger_csv(), nl=False)
            return
        movements = islice(client.wallet.ledger(), options.limit)
        output.show_rows(movements, MOVEMENTS, as_json=options.as_json, empty="No token has moved yet.")


@command
def usage(
    shared: Shared,
    by: Annotated[Literal["day", "action", "model"], typer.Option(help="Add up by this.")] = "day",
) -> None:
    """Show what tokens were spent on."""
    with shared.connect() as client:
        columns = {by: "group", "requests": "requests", "tokens": "tokens"}
        spent = client.wallet.usage(by)
        output.show_rows(spent, columns, as_json=shared.as_json, empty="No token has been spent yet.")


@command
def prices(shared: Shared) -> None:
    """Show what things cost."""
    with shared.connect() as client:
        columns = {"action": "action", "tokens": "tokens", "for each started": "per_units"}
        output.show_rows(client.prices.list(), columns, as_json=shared.as_json, empty="Everything is free.")


@command
def buy(amount: Annotated[int, typer.Argument(min=1, help="How many tokens.")], asked: Confirmed) -> None:
    """Buy tokens.

    The card's number is asked for, or read from FAREBOX_CARD or stdin.
    """
    with asked.connect() as client:
        card = ask_password("Card number", variable="FAREBOX_CARD")
        confirm(f"Buy {amount} tokens with this card?", yes=asked.yes)
        bought = client.wallet.buy(amount, credit_card=card)
    if asked.as_json:
        output.show_json(bought)
    else:
        ending = f"with the card that ends in {bought.card_last_four}"
        output.say(f"Bought {bought.amount} tokens {ending}; you can spend {bought.available}.")


@command
def receipt(
    receipt_id: Annotated[str, typer.Argument(metavar="RECEIPT", help="The id that the ledger shows.")],
    shared: Shared,
) -> None:
    """Show why tokens moved."""
    with shared.connect() as client:
        found = client.wallet.receipt(receipt_id)
    if shared.as_json:
        output.show_json(found)
    else:
        output.show_facts({name: each for name, each in found.model_dump().items() if each is not None})
