"""`farebox doctor`: what is wrong, and what to do about it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import typer

from farebox.clients import Farebox
from farebox.command import errors as exits
from farebox.command import output
from farebox.command.options import Shared
from farebox.command.spreading import command
from farebox.errors import FareboxError, Forbidden

MOST_SKEW_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; a code other than 0 is what the command exits with."""

    check: str
    found: str
    code: int = exits.OK


@command
def doctor(shared: Shared) -> None:
    """Check the address, the service, the clock and the login, and say what to do."""
    with shared.connect() as client:
        findings = list(examine(client))
    if shared.as_json:
        output.show_json([asdict(each) for each in findings])
    else:
        output.show_table(
            ["", "check", "found"],
            (["ok" if each.code == exits.OK else "!!", each.check, each.found] for each in findings),
        )
    raise typer.Exit(next((each.code for each in findings if each.code != exits.OK), exits.OK))


def examine(client: Farebox) -> Iterator[Finding]:
    yield Finding("client", f"farebox {version('farebox')}")
    yield Finding("address", client.url)
    service = _try("service", lambda: _service(client))
    yield service
    if service.code != exits.OK:
        return
    yield _try("clock", lambda: _clock(client))
    yield _try("login", lambda: _login(client))


def _try(check: str, examine: Callable[[], Finding]) -> Finding:
    try:
        return examine()
    except FareboxError as error:
        return Finding(check, error.detail, exits.exit_code(error))


def _service(client: Farebox) -> Finding:
    client.health()
    return Finding("service", "it answers and is ready")


def _clock(client: Farebox) -> Finding:
    theirs = client.health().time
    if theirs is None:
        return Finding("clock", "the service does not tell the time")
    skew = (datetime.now(UTC) - theirs).total_seconds()
    if abs(skew) <= MOST_SKEW_SECONDS:
        return Finding("clock", "it agrees with the service's")
    way = "ahead of" if skew > 0 else "behind"
    advice = "set it right, or logins will seem expired"
    return Finding("clock", f"it is {abs(skew):.0f} s {way} the service's; {advice}", exits.OTHER)


def _login(client: Farebox) -> Finding:
    kind = "the API key" if client.uses_api_key else "the login"
    try:
        return Finding("login", f"{kind} works, as {client.me.get().name}")
    except Forbidden:
        return Finding("login", f"{kind} works, but may not read the account")
