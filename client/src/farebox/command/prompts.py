"""Prompts at the terminal; without one, environment variables, standard input and --yes replace them."""

import getpass
import os
import sys

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.errors import InvalidArgument
from farebox.resources.wallet import Action
from farebox.results.wallet import Price


def is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def read_secret(prompt: str = "Password", *, variable: str = "FAREBOX_PASSWORD", twice: bool = False) -> str:
    """Read a secret from the environment, standard input or a prompt; never from the command line."""
    if variable in os.environ:
        return os.environ[variable]
    if not is_interactive():
        secret = sys.stdin.readline().rstrip("\r\n")
        if not secret:
            raise InvalidArgument(f"Send the secret on standard input, or set {variable}.")
        return secret
    secret = getpass.getpass(f"{prompt}: ")
    if twice and getpass.getpass("Confirm password: ") != secret:
        raise InvalidArgument("The two passwords differ; try again.")
    return secret


def confirm(question: str, *, yes: bool) -> None:
    """Continue only after a confirmation at the terminal or with --yes."""
    if yes:
        return
    if not is_interactive():
        raise InvalidArgument(f"{question} Without a terminal, confirm with --yes.")
    if not typer.confirm(output.clean(question), err=True):
        raise typer.Abort


def confirm_tokens(tokens: int, *, yes: bool, as_json: bool, at_most: bool = False) -> None:
    """Show the price and ask for confirmation; with --yes the price is still shown."""
    if tokens == 0:
        return
    price = f"{'up to ' if at_most else ''}{output.tokens(tokens)}"
    if yes and not as_json:
        output.message(f"This costs {price}.")
    confirm(f"This costs {price}. Go ahead?", yes=yes)


def confirm_batch(client: Farebox, *, yes: bool) -> None:
    """Ask for confirmation of the price of a file, whose rows are not counted yet."""
    price = price_of(client, "batch")
    if price is not None:
        rate = f"{output.tokens(price.tokens)} for each started {price.per_units:,} valid rows"
        confirm(f"This costs {rate}. Go ahead?", yes=yes)


def price_of(client: Farebox, action: Action) -> Price | None:
    """The price in force; None when the action is free."""
    return next((price for price in client.prices.list() if price.action == action), None)


def cost_of(client: Farebox, action: Action, units: int) -> int:
    price = price_of(client, action)
    return price.cost_of(units) if price is not None else 0
