"""`farebox jobs`: list, follow and cancel jobs, and download their results."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.batch import check_result_name, show_predicted
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, AsJson, Limit, ListByDefault, Url, row_id
from farebox.command.progress import JobProgress
from farebox.results.jobs import Job

COLUMNS = {
    "id": "id",
    "state": "state",
    "stage": "stage",
    "percent": "percent",
    "queue position": "queue_position",
    "seconds left": "estimated_seconds",
    "model": "model_name",
    "tokens": "tokens_charged",
    "created": "created_at",
}
JobId = Annotated[int, typer.Argument(metavar="JOB", parser=row_id, help="The job's id, from the list.")]

app = typer.Typer(help="Queued, running and ended trainings and batches.", cls=ListByDefault)


@app.command("list")
@handle_errors
def list_jobs(limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None) -> None:
    """List your jobs, newest first."""
    with Farebox(url) as client:
        jobs = islice(client.jobs.list(), limit)
        output.show_rows(jobs, COLUMNS, as_json=as_json, empty="There are no jobs yet.")


@app.command()
@handle_errors
def show(job: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """Show a job's state."""
    with Farebox(url) as client:
        _show(client.jobs.get(job), as_json=as_json)


@app.command()
@handle_errors
def follow(job: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """Follow a job to its end; the exit code is 0 when it has succeeded."""
    with Farebox(url) as client, JobProgress() as progress:
        ended = client.jobs.wait(job, on_progress=progress)
    _show(ended, as_json=as_json)


@app.command()
@handle_errors
def result(
    job: JobId,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Download the predictions of a batch job."""
    check_result_name(out)
    with Farebox(url) as client:
        show_predicted(client.jobs.result(job, out), as_json=as_json)


@app.command()
@handle_errors
def cancel(job: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """Cancel a job; nothing is charged for it."""
    with Farebox(url) as client:
        _show(client.jobs.cancel(job), as_json=as_json)


def _show(job: Job, *, as_json: bool) -> None:
    if as_json:
        output.show_json(job)
        return
    facts: dict[str, object] = {heading: getattr(job, field) for heading, field in COLUMNS.items()}
    facts |= {"id": str(job.id), "cancel requested": job.cancel_requested}
    output.show_facts(facts | {"error": job.error.detail if job.error else None})
