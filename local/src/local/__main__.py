"""`python -m local`: the whole stack on this machine."""

import os
import signal
import sys
from functools import partial
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from kit.app import read_settings
from local import demo as demonstration
from local import example, stack
from local.failures import CannotStart, DemoFailed, NotRunning
from local.home import Home
from local.postgres import PostgresFailed
from local.settings import LocalSettings
from local.state import Running
from local.supervisor import Supervisor

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.command()
def up() -> None:
    """Start everything; returns when it is ready."""
    settings = _settings()
    home = Home.at(settings.farebox_home)
    running = stack.find_running(home)
    if running is not None:
        console.print(f"Farebox is up already: {running.ports.url('gateway')} (home {home.root})")
        return
    with console.status("Starting"):
        started = stack.up(settings, partial(console.print, style="dim"))
    given = settings.admin_password is not None
    console.print(f"Farebox is up: {started.ports.url('dashboard')}")
    console.print(f"  gateway          {started.ports.url('gateway')} (pages at /docs)")
    for service in ("auth", "billing", "ml"):
        console.print(f"  {service}-service  {started.ports.url(service)}")
    console.print(f"Administrator: {settings.admin_email}")
    console.print("Password: as given" if given else f"Password: {started.admin_password}", markup=False)
    console.print(f"Data and logs: {home.root}")


@app.command()
def down() -> None:
    """Stop everything, also what a crash left half running."""
    home = Home.at(_settings().farebox_home)
    with console.status("Stopping"):
        stopped = stack.down(home)
    console.print("Farebox is down." if stopped else "Nothing was up.")


@app.command()
def status() -> None:
    """Show what runs."""
    home, running = _running()
    table = Table("program", "state", "since", box=None)
    for name, state in Supervisor(home).states().items():
        table.add_row(name, state["statename"].lower(), state["description"])
    console.print(table)
    console.print(f"{running.ports.url('gateway')} is {_health(running)}")


@app.command()
def migrate() -> None:
    """Bring the running stack's database up to date."""
    stack.migrate_running(_settings())
    console.print("The database is up to date.")


@app.command()
def logs(
    program: Annotated[str, typer.Argument(help="such as gateway or ml-service")] = "gateway",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="keep printing")] = False,
) -> None:
    """Print the last lines of a program's log."""
    home = Home.at(_settings().farebox_home)
    known = sorted(folder.name for folder in home.logs.glob("*/"))
    if program not in known:
        raise NotRunning(f"There is no log of that; there are: {', '.join(known) or 'none yet'}.")
    lines = ["tail", "-n", "50", *(["-F"] if follow else []), str(home.logs / program / "output.log")]
    os.execvp("tail", lines)  # noqa: S606, S607 - whichever tail the machine has


@app.command()
def demo() -> None:
    """Register, train, predict and read the ledger on a stack of its own, then remove it."""
    demonstration.run(_settings(), console)


@app.command()
def demo_ui() -> None:
    """Leave the stack up with a small example in it, to look at in the pages."""
    settings = _settings()
    if stack.find_running(Home.at(settings.farebox_home)) is None:
        up()
    _, running = _running()
    with console.status("Making an example"):
        example.populate(running.ports.url("gateway"), partial(console.print, style="dim"))
    console.print(f"Look at it: {running.ports.url('dashboard')}")
    console.print(f"Name: {example.NAME}\nPassword: {example.PASSWORD}", markup=False)
    console.print("Stop it with: make down")


def main() -> None:
    # As Ctrl-C does: whoever is told to end still stops what it started.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit("Told to stop."))
    try:
        app()
    except (CannotStart, DemoFailed, NotRunning, PostgresFailed) as failure:
        console.print(str(failure), markup=False, style="red", soft_wrap=True)
        raise SystemExit(1) from None


def _settings() -> LocalSettings:
    return read_settings("local", LocalSettings)


def _running() -> tuple[Home, Running]:
    home = Home.at(_settings().farebox_home)
    running = stack.find_running(home)
    if running is None:
        raise NotRunning(f"Nothing is up in {home.root}; run 'make up'.")
    return home, running


def _health(running: Running) -> str:
    try:
        ready = httpx.get(f"{running.ports.url('gateway')}/readyz", timeout=3, trust_env=False).is_success
    except httpx.TransportError:
        ready = False
    return "ready" if ready else "not ready"
