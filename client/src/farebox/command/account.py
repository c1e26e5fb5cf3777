"""`farebox signup`, `login`, `logout`, `whoami` and `password`."""

from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import AsJson, Url
from farebox.command.prompts import read_secret

app = typer.Typer()
Name = Annotated[str, typer.Argument(help="The account's name, such as an e-mail address.")]
RevokeApiKeys = Annotated[bool, typer.Option("--revoke-api-keys", help="Also revoke all your API keys.")]


@app.command()
@handle_errors
def signup(name: Name, as_json: AsJson = False, url: Url = None) -> None:
    """Create an account and log in.

    The password is prompted for, or read from FAREBOX_PASSWORD or stdin.
    """
    with Farebox(url) as client:
        user = client.sign_up(name, read_secret("Choose a password", twice=True))
    welcome = f"Welcome, {user.name}: you are logged in. See your tokens with: farebox balance"
    output.show_outcome(user, welcome, as_json=as_json)


@app.command()
@handle_errors
def login(name: Name, as_json: AsJson = False, url: Url = None) -> None:
    """Log in.

    The password is prompted for, or read from FAREBOX_PASSWORD or stdin.
    """
    with Farebox(url) as client:
        client.log_in(name, read_secret())
        user = client.me.get()
    output.show_outcome(user, f"You are logged in as {user.name}.", as_json=as_json)


@app.command()
@handle_errors
def logout(as_json: AsJson = False, url: Url = None) -> None:
    """Log out, here and at the service."""
    with Farebox(url) as client:
        client.log_out()
    output.show_outcome({"logged_out": True}, "You are logged out.", as_json=as_json)


@app.command()
@handle_errors
def whoami(as_json: AsJson = False, url: Url = None) -> None:
    """Show the logged-in account and the gateway's address."""
    with Farebox(url) as client:
        user = client.me.get()
        address = client.url
    if as_json:
        output.show_json(user)
    else:
        output.show_facts({"name": user.name, "id": str(user.id), "role": user.role, "address": address})


@app.command()
@handle_errors
def password(revoke_api_keys: RevokeApiKeys = False, as_json: AsJson = False, url: Url = None) -> None:
    """Change the password, and log in with the new one; all other logins end."""
    with Farebox(url) as client:
        current = read_secret("Current password")
        new = read_secret("New password", variable="FAREBOX_NEW_PASSWORD", twice=True)
        name = client.me.get().name
        client.me.change_password(current, new, revoke_api_keys=revoke_api_keys)
        client.log_in(name, new)
    changed = "The password is changed; all other logins have ended."
    if revoke_api_keys:
        changed = "The password is changed; all other logins have ended and all API keys are revoked."
    output.show_outcome({"changed": True}, changed, as_json=as_json)
