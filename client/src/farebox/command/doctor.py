"""`farebox doctor`: check the connection, the clock and the login, or the whole installation."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import OK, OTHER, exit_code, handle_errors, with_hint
from farebox.command.options import AsJson, Url
from farebox.errors import FareboxError, Forbidden

MAX_SKEW_SECONDS = 30.0
SERVER_COLUMNS = {
    "status": "status",
    "service": "service",
    "check": "check",
    "found": "detail",
    "advice": "advice",
}
Server = Annotated[
    bool, typer.Option("--server", help="Check all services of the installation, as an administrator.")
]

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. The first nonzero `code` is the command's exit code."""

    check: str
    found: str
    code: int = OK


@app.command()
@handle_errors
def doctor(server: Server = False, as_json: AsJson = False, url: Url = None) -> None:
    """Check the address, the service, the clock and the login, and suggest a remedy.

    With --server: each service's keys, clock, migrations, disk, files, books and addresses; the exit code is
    1 when a check failed.
    """
    with Farebox(url) as client:
        if server:
            show_installation(client, as_json=as_json)
            return
        findings = list(examine(client))
    if as_json:
        output.show_json([asdict(finding) for finding in findings])
    else:
        rows = (["ok" if finding.code == OK else "!!", finding.check, finding.found] for finding in findings)
        output.show_table(["", "check", "found"], rows)
    raise typer.Exit(next((finding.code for finding in findings if finding.code != OK), OK))


def show_installation(client: Farebox, *, as_json: bool) -> None:
    """Raises FareboxError when a check failed."""
    diagnosis = client.admin.diagnosis()
    if as_json:
        output.show_json(diagnosis)
    else:
        output.show_rows(diagnosis.findings, SERVER_COLUMNS, as_json=False, empty="Nothing was checked.")
    if failures := diagnosis.failures:
        failed = ", ".join(f"{finding.service}: {finding.check}" for finding in failures)
        raise FareboxError(f"Failed checks: {failed}.")


def examine(client: Farebox) -> Iterator[Finding]:
    yield Finding("client", f"farebox {version('farebox')}")
    yield Finding("address", client.url)
    service = _check("service", lambda: _service(client))
    yield service
    if service.code != OK:
        return
    yield _check("clock", lambda: _clock(client))
    yield _check("login", lambda: _login(client))


def _check(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except FareboxError as error:
        return Finding(name, with_hint(error), exit_code(error))


def _service(client: Farebox) -> Finding:
    client.health()
    return Finding("service", "it is ready")


def _clock(client: Farebox) -> Finding:
    service_time = client.health().time
    if service_time is None:
        return Finding("clock", "the service does not send its time")
    skew = (datetime.now(UTC) - service_time).total_seconds()
    if abs(skew) <= MAX_SKEW_SECONDS:
        return Finding("clock", "it agrees with the service's clock")
    direction = "ahead of" if skew > 0 else "behind"
    advice = "correct it, or logins will seem expired"
    return Finding("clock", f"it is {abs(skew):,.0f} s {direction} the service's clock; {advice}", OTHER)


def _login(client: Farebox) -> Finding:
    credential = "the API key" if client.uses_api_key else "the login"
    try:
        return Finding("login", f"{credential} works, as {client.me.get().name}")
    except Forbidden:
        return Finding("login", f"{credential} works, but may not read the account")
