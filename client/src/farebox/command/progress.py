"""A job's progress bar, on standard error."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from farebox.results.jobs import JobEvent


class JobProgress:
    """A progress bar, shown only at a terminal; call it with each event."""

    def __init__(self, description: str = "queued") -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<22}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(description, total=100)

    def __call__(self, event: JobEvent) -> None:
        percent = 100 if event.kind == "succeeded" else event.percent
        self._bar.update(self._task, description=describe(event), completed=percent)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def describe(event: JobEvent) -> str:
    if event.candidate is None:
        return event.stage or event.kind
    running = ", ".join(event.running or [event.candidate.title])
    rest = f" {event.number}/{event.of}" if event.left is None else f", {event.left} left"
    seconds = "" if event.seconds_left is None else f", about {max(1, round(event.seconds_left))} s"
    return f"{running}{rest}{seconds}"
