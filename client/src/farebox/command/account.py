"""Signing up, in and out."""

from typing import Annotated

import typer

from farebox.command import output
from farebox.command.options import Shared
from farebox.command.prompts import ask_password
from farebox.command.spreading import command

Name = Annotated[str, typer.Argument(help="The account's name, such as an e-mail address.")]


@command
def signup(name: Name, shared: Shared) -> None:
    """Make an account and log in.

    The password is asked for, or read from FAREBOX_PASSWORD or stdin.
    """
    with shared.connect() as client:
        user = client.sign_up(name, ask_password("Choose a password", twice=True))
    if shared.as_json:
        output.show_json(user)
    else:
        output.say(f"Welcome, {user.name}: you are logged in. See what you have with: farebox balance")


@command
def login(name: Name, shared: Shared) -> None:
    """Log in.

    The password is asked for, or read from FAREBOX_PASSWORD or stdin.
    """
    with shared.connect() as client:
        client.log_in(name, ask_password())
        user = client.me.get()
    if shared.as_json:
        output.show_json(user)
    else:
        output.say(f"You are logged in as {user.name}.")


@command
def logout(shared: Shared) -> None:
    """End the login, here and at the service."""
    with shared.connect() as client:
        client.log_out()
    if shared.as_json:
        output.show_json({"logged_out": True})
    else:
        output.say("You are logged out.")


@command
def whoami(shared: Shared) -> None:
    """Show who is signed in, and where."""
    with shared.connect() as client:
        user = client.me.get()
    if shared.as_json:
        output.show_json(user)
    else:
        output.show_facts({"name": user.name, "id": user.id, "role": user.role, "at": client.url})


@command
def password(shared: Shared) -> None:
    """Change the password, and log in with the new one.

    Other logins end.
    """
    with shared.connect() as client:
        current = ask_password("Current password")
        new = ask_password("New password", variable="FAREBOX_NEW_PASSWORD", twice=True)
        name = client.me.get().name
        client.me.change_password(current, new)
        client.log_in(name, new)
    if shared.as_json:
        output.show_json({"changed": True})
    else:
        output.say("The password is changed; all other logins have ended.")
