"""`farebox balance`, `ledger`, `usage`, `prices`, `buy` and `receipt`."""

from itertools import islice
from typing import Annotated, Literal

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, AsJson, Limit, Url, Yes
from farebox.command.prompts import confirm, read_secret

TRANSFER_COLUMNS = {
    "created": "created_at",
    "kind": "kind",
    "tokens": "amount",
    "balance": "balance",
    "action": "action",
    "model": "resource",
    "note": "note",
    "receipt": "receipt_id",
}
USAGE_COLUMNS = {"requests": "requests", "tokens": "tokens"}
PRICE_COLUMNS = {"action": "action", "tokens": "tokens", "per units": "per_units"}

app = typer.Typer()


@app.command()
@handle_errors
def balance(as_json: AsJson = False, url: Url = None) -> None:
    """Show your tokens: in total, held for jobs, and available."""
    with Farebox(url) as client:
        wallet = client.wallet.balance()
    if as_json:
        output.show_json(wallet)
    else:
        output.show_facts({"tokens": wallet.tokens, "held": wallet.held, "available": wallet.available})


@app.command()
@handle_errors
def ledger(
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the whole ledger as CSV.")] = False,
    limit: Limit = DEFAULT_LIMIT,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show every movement of your tokens, newest first."""
    with Farebox(url) as client:
        if as_csv:
            typer.echo(client.wallet.ledger_csv(), nl=False)
            return
        transfers = islice(client.wallet.ledger(), limit)
        output.show_rows(transfers, TRANSFER_COLUMNS, as_json=as_json, empty="The ledger is empty.")


@app.command()
@handle_errors
def usage(
    by: Annotated[Literal["day", "action", "model"], typer.Option(help="The column to group by.")] = "day",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show the tokens you spent, by day, action or model."""
    with Farebox(url) as client:
        spent = client.wallet.usage(by)
        columns = {by: "group", **USAGE_COLUMNS}
        output.show_rows(spent, columns, as_json=as_json, empty="No tokens have been spent yet.")


@app.command()
@handle_errors
def prices(as_json: AsJson = False, url: Url = None) -> None:
    """Show the price of each action."""
    with Farebox(url) as client:
        output.show_rows(client.prices.list(), PRICE_COLUMNS, as_json=as_json, empty="Everything is free.")


@app.command()
@handle_errors
def buy(
    amount: Annotated[int, typer.Argument(min=1, help="The number of tokens.")],
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Buy tokens.

    The card number is prompted for, or read from FAREBOX_CARD or stdin.
    """
    with Farebox(url) as client:
        card = read_secret("Card number", variable="FAREBOX_CARD")
        confirm(f"Buy {output.tokens(amount)} with this card?", yes=yes)
        bought = client.wallet.buy(amount, credit_card=card)
    text = f"Bought {output.tokens(bought.amount)} with the card ending in {bought.card_last_four}"
    output.show_outcome(bought, f"{text}; {bought.available:,} are available.", as_json=as_json)


@app.command()
@handle_errors
def receipt(
    receipt_id: Annotated[str, typer.Argument(metavar="RECEIPT", help="The receipt's id, from the ledger.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show the receipt of a movement of tokens."""
    with Farebox(url) as client:
        details = client.wallet.receipt(receipt_id)
    if as_json:
        output.show_json(details)
    else:
        output.show_facts({name: value for name, value in details.model_dump().items() if value is not None})
