"""Options that many commands share."""

from dataclasses import dataclass
from typing import Annotated

import typer

from farebox.clients import Farebox


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What every command takes."""

    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False
    url: Annotated[
        str | None,
        typer.Option("--url", help="The gateway's address; or set FAREBOX_URL.", show_default=False),
    ] = None

    def connect(self) -> Farebox:
        return Farebox(self.url)


@dataclass(frozen=True, kw_only=True)
class Confirmed(Shared):
    """What every command takes that charges or deletes something."""

    yes: Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without asking.")] = False


@dataclass(frozen=True, kw_only=True)
class Listed(Shared):
    """What every command takes that prints a list."""

    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Print at most so many.")] = 20
