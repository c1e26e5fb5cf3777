"""The `farebox` command: all commands in one application."""

from importlib.metadata import version
from typing import Annotated

import typer

from farebox.command import (
    account,
    admin,
    batch,
    budgets,
    challenges,
    datasets,
    doctor,
    groups,
    jobs,
    keys,
    models,
    predict,
    report,
    train,
    wallet,
)
from farebox.command.errors import MEANINGS

EXIT_CODES = "  \n".join(f"{code}: {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    help="Metered machine learning for tables.",
    epilog=f"Exit codes:  \n{EXIT_CODES}",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"farebox {version('farebox')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Metered machine learning for tables."""


for module in (account, wallet, budgets, train, predict, batch, report, doctor):
    app.add_typer(module.app)
NAMED = {
    "datasets": datasets,
    "models": models,
    "jobs": jobs,
    "groups": groups,
    "challenges": challenges,
    "keys": keys,
    "admin": admin,
}
for name, module in NAMED.items():
    app.add_typer(module.app, name=name)


def main() -> None:
    """Run the command."""
    app()
