"""`python -m local`: the whole stack on this machine."""

import os
import signal
import sys
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kit.settings import read_settings
from local import stack
from local.errors import LocalError, NotRunning
from local.home import Home
from local.settings import LocalSettings
from local.supervisor import Supervisor, responds

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.command()
def up() -> None:
    """Start the whole stack, and return when it is ready."""
    settings = _settings()
    home = Home.at(settings.farebox_home)
    running = stack.find_running(home)
    if running is not None:
        console.print(f"Farebox is already running: {running.ports.url('gateway')} (home {home.root})")
        return
    with console.status("Starting"):
        new_stack = stack.up(settings, partial(console.print, style="dim"))
    ports = new_stack.ports
    console.print(f"Farebox is running: {ports.url('dashboard')}")
    console.print(f"  gateway          {ports.url('gateway')} (API documentation at /docs)")
    for service in ("auth", "billing", "ml"):
        console.print(f"  {service}-service  {ports.url(service)}")
    console.print(f"Administrator: {settings.admin_email}")
    password = new_stack.admin_password if settings.admin_password is None else "as set in ADMIN_PASSWORD"
    console.print(f"Password: {password}", markup=False)
    console.print(f"Data and logs: {home.root}")


@app.command()
def down() -> None:
    """Stop the stack, including processes that a crash left running."""
    home = Home.at(_settings().farebox_home)
    with console.status("Stopping"):
        stopped = stack.down(home)
    console.print("Farebox is stopped." if stopped else "Farebox was not running.")


@app.command()
def status() -> None:
    """Show the state of every program."""
    home, running = _running()
    table = Table("Program", "State", "Details", box=None)
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
    programs = sorted(folder.name for folder in home.logs.glob("*/"))
    if program not in programs:
        raise NotRunning(f"No program '{program}' has a log; available: {', '.join(programs) or 'none yet'}.")
    lines = ["tail", "-n", "50", *(["-F"] if follow else []), str(home.output_log(program))]
    os.execvp("tail", lines)  # noqa: S606, S607 - the system's tail


@app.command()
def demo() -> None:
    """Register, train, predict and read the ledger on a separate stack, then remove it."""
    from local.demo import run_demo

    run_demo(_settings(), console)


@app.command()
def demo_ui() -> None:
    """Start the stack with an example account, to explore in the dashboard."""
    from local import example

    settings = _settings()
    if stack.find_running(Home.at(settings.farebox_home)) is None:
        up()
    _, running = _running()
    with console.status("Creating the example account"):
        password = example.populate(running.ports.url("gateway"), partial(console.print, style="dim"))
    console.print(f"Open {running.ports.url('dashboard')}")
    shown = password or "as shown when the account was created; an administrator can reset it"
    console.print(f"Name: {example.NAME}\nPassword: {shown}", markup=False)
    console.print("To stop the stack, run: make down")


def main() -> None:
    os.umask(0o077)
    # As with Ctrl-C: an interrupted start stops the programs that it has started.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit("Stopped by SIGTERM."))
    try:
        app()
    except LocalError as failure:
        console.print(str(failure), markup=False, style="red", soft_wrap=True)
        raise SystemExit(1) from None


def _settings() -> LocalSettings:
    return read_settings("local", LocalSettings)


def _running() -> tuple[Home, stack.RunningStack]:
    home = Home.at(_settings().farebox_home)
    running = stack.find_running(home)
    if running is None:
        raise NotRunning(f"Farebox is not running in {home.root}; run 'make up'.")
    return home, running


def _health(running: stack.RunningStack) -> str:
    return "ready" if responds(f"{running.ports.url('gateway')}/readyz") else "not ready"


if __name__ == "__main__":
    main()
