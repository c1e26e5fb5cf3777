"""Options and arguments that many commands share."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

ROW_ID = re.compile("[1-9][0-9]{0,18}")


def row_id(text: str) -> int:
    """Parse the id of a row; `int` would also take ` 7`, `+7`, `7_0` and the digits of other scripts."""
    if ROW_ID.fullmatch(text) is None:
        raise typer.BadParameter(f"{text!r} is not an id; ids are whole numbers from 1, in digits alone.")
    return int(text)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Url = Annotated[
    str | None, typer.Option("--url", help="The gateway's address; or set FAREBOX_URL.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without a confirmation.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="Maximum number of rows to print.")]
Detach = Annotated[bool, typer.Option("--detach", help="Print the job and do not wait for it.")]
GroupId = Annotated[
    int, typer.Argument(metavar="GROUP", parser=row_id, help="The group's id, from the list.")
]
ChallengeId = Annotated[
    int, typer.Argument(metavar="CHALLENGE", parser=row_id, help="The challenge's id, from the list.")
]
PayingGroup = Annotated[
    int | None,
    typer.Option(
        "--group",
        metavar="GROUP",
        parser=row_id,
        help="The id of the group that pays.",
        show_default="your default payer",
    ),
]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.")]
OptionalOut = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file to write.", show_default=False)
]
Probabilities = Annotated[bool, typer.Option("--probabilities", help="Add the probability of each class.")]
TABLE_FILE = "A table: CSV, plain or gzip-compressed, Parquet, a workbook (.xlsx, .ods) or JSON Lines."
DEFAULT_LIMIT = 20


class ListByDefault(TyperGroup):
    """`farebox models --json` is `farebox models list --json`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: Typer does not export its context
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)
