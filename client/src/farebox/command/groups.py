"""Commands that have commands: alone they list, and the others are named after what they do."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup


class ListByDefault(TyperGroup):
    """`farebox models --json` is `farebox models list --json`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: Typer keeps its context to itself
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


def make_group(title: str, show_all: Callable[..., None], *others: Callable[..., None]) -> typer.Typer:
    group = typer.Typer(help=title, cls=ListByDefault)
    group.command("list")(show_all)
    for each in others:
        group.command(each.__name__.replace("_", "-"))(each)
    return group
