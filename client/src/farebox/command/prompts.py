"""Questions to the person at the terminal. Without one, the answer must come with the command."""

import getpass
import os
import sys

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.options import Confirmed
from farebox.errors import UnusableInput
from farebox.resources.prices import Action


def is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_password(prompt: str = "Password", *, variable: str = "FAREBOX_PASSWORD", twice: bool = False) -> str:
    """From the environment, from standard input, or typed without an echo; never from the command line."""
    if variable in os.environ:
        return os.environ[variable]
    if not is_interactive():
        typed = sys.stdin.readline().rstrip("\r\n")
        if not typed:
            raise UnusableInput(f"Send the password on standard input, or set {variable}.")
        return typed
    typed = getpass.getpass(f"{prompt}: ")
    if twice and getpass.getpass("Again: ") != typed:
        raise UnusableInput("The two passwords differ; try again.")
    return typed


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the person says so, or said so beforehand with --yes."""
    if yes:
        return
    if not is_interactive():
        raise UnusableInput(f"{question} There is nobody to ask; say --yes to go ahead.")
    if not typer.confirm(output.clean(question), err=True):
        raise typer.Abort


def confirm_price(client: Farebox, action: Action, units: int, asked: Confirmed) -> None:
    """Show what is about to be charged, and ask."""
    confirm_tokens(cost_of(client, action, units), asked)


def cost_of(client: Farebox, action: Action, units: int) -> int:
    price = next((each for each in client.prices.list() if each.action == action), None)
    return price.cost_of(units) if price is not None else 0


def confirm_tokens(tokens: int, asked: Confirmed, *, at_most: bool = False) -> None:
    if tokens == 0:
        return
    what = f"{'up to ' if at_most else ''}{tokens} token{'' if tokens == 1 else 's'}"
    if asked.yes and not asked.as_json:
        output.say(f"This costs {what}.")
    confirm(f"This costs {what}. Go ahead?", yes=asked.yes)
