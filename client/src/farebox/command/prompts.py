"""Prompts at the terminal. Without a terminal, environment, standard input and --yes replace them."""

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
    """From the environment, from standard input, or typed without an echo; never from the command line."""
    if variable in os.environ:
        return os.environ[variable]
    if not is_interactive():
        typed = sys.stdin.readline().rstrip("\r\n")
        if not typed:
            raise InvalidArgument(f"Send the password on standard input, or set {variable}.")
        return typed
    typed = getpass.getpass(f"{prompt}: ")
    if twice and getpass.getpass("Confirm password: ") != typed:
        raise InvalidArgument("The two passwords differ; try again.")
    return typed


def confirm(question: str, *, yes: bool) -> None:
    """Continue only after a yes at the terminal, or with --yes."""
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


def price_of(client: Farebox, action: Action) -> Price | None:
    """The price in force; None when the action is free."""
    return next((price for price in client.prices.list() if price.action == action), None)


def cost_of(client: Farebox, action: Action, units: int) -> int:
    price = price_of(client, action)
    return price.cost_of(units) if price is not None else 0
