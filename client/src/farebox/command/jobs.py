"""Jobs: look, follow, fetch what they made, cancel."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from farebox.command import output
from farebox.command.batch import show_predicted
from farebox.command.groups import make_group
from farebox.command.options import Listed, Shared
from farebox.command.progress import JobProgress
from farebox.command.spreading import command
from farebox.results.jobs import Job

COLUMNS = {
    "id": "id",
    "state": "state",
    "stage": "stage",
    "percent": "percent",
    "place": "queue_position",
    "seconds left": "estimated_seconds",
    "model": "model_name",
    "tokens": "tokens_charged",
    "ordered": "created_at",
}
JobId = Annotated[int, typer.Argument(metavar="JOB", min=1, help="The id that the list shows.")]


@command
def show_all(listed: Listed) -> None:
    """List your jobs, newest first."""
    with listed.connect() as client:
        found = islice(client.jobs.list(), listed.limit)
        output.show_rows(found, COLUMNS, as_json=listed.as_json, empty="There are no jobs yet.")


@command
def show(job: JobId, shared: Shared) -> None:
    """Show how a job stands."""
    with shared.connect() as client:
        _show(client.jobs.get(job), as_json=shared.as_json)


@command
def follow(job: JobId, shared: Shared) -> None:
    """Follow a job to its end; the exit code says how it ended."""
    with shared.connect() as client, JobProgress() as progress:
        done = client.jobs.wait(job, on_progress=progress)
    _show(done, as_json=shared.as_json)


@command
def result(
    job: JobId,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write.")],
    shared: Shared,
) -> None:
    """Fetch the rows that a batch has predicted."""
    with shared.connect() as client:
        show_predicted(client.jobs.result(job, out), as_json=shared.as_json)


@command
def cancel(job: JobId, shared: Shared) -> None:
    """Stop a job; nothing is charged for it."""
    with shared.connect() as client:
        _show(client.jobs.cancel(job), as_json=shared.as_json)


def _show(job: Job, *, as_json: bool) -> None:
    if as_json:
        output.show_json(job)
        return
    facts: dict[str, object] = {name: getattr(job, field) for name, field in COLUMNS.items()}
    output.show_facts(
        facts | {"cancelling": job.cancel_requested, "why": job.error.detail if job.error else None}
    )


app = make_group("Trainings and batches under way and past.", show_all, show, follow, result, cancel)
