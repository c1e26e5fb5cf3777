"""The `farebox` command: its commands, put together."""

import typer

from farebox.command import account, admin, datasets, jobs, keys, models, wallet
from farebox.command import errors as exits
from farebox.command.batch import batch, export
from farebox.command.doctor import doctor
from farebox.command.predict import predict
from farebox.command.report import report
from farebox.command.train import train

EXIT_CODES = "  \n".join(f"{code}: {meaning}" for code, meaning in exits.MEANINGS.items())

app = typer.Typer(
    help="Metered machine learning for tables.",
    epilog=f"Exit codes:  \n{EXIT_CODES}",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for each in (
    account.signup,
    account.login,
    account.logout,
    account.whoami,
    account.password,
    wallet.balance,
    wallet.ledger,
    wallet.usage,
    wallet.prices,
    wallet.buy,
    wallet.receipt,
    train,
    predict,
    batch,
    export,
    report,
    doctor,
):
    app.command(each.__name__)(each)
app.add_typer(datasets.app, name="datasets")
app.add_typer(models.app, name="models")
app.add_typer(jobs.app, name="jobs")
app.add_typer(keys.app, name="keys")
app.add_typer(admin.app, name="admin")


def main() -> None:
    """Run the command."""
    app()
