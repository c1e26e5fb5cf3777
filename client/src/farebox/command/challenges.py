"""`farebox challenges`: models compared on hidden rows."""

from itertools import islice
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import challenge_staff, output
from farebox.command.errors import handle_errors
from farebox.command.options import (
    DEFAULT_LIMIT,
    AsJson,
    ChallengeId,
    Detach,
    GroupId,
    Limit,
    Url,
    Yes,
    row_id,
)
from farebox.command.progress import JobProgress
from farebox.command.prompts import confirm_tokens, cost_of
from farebox.command.train import show_trained, wait_for_job
from farebox.command.values import read_pairs
from farebox.errors import FareboxError
from farebox.resources.challenges import Order, commitment_holds
from farebox.resources.models import TrainingOptions

CHALLENGE_COLUMNS = {
    "id": "id",
    "title": "title",
    "state": "state",
    "label": "label",
    "metric": "metric",
    "opens": "opens_at",
    "closes": "closes_at",
}
SUBMISSION_COLUMNS = {
    "id": "id",
    "by": "entrant",
    "model": "model",
    "state": "state",
    "accepted": "accepted_at",
    "public score": "public_score",
    "final score": "final_score",
    "selected": "selected",
    "late": "late",
    "reason": "void_reason",
}
LINE_COLUMNS = {
    "rank": "rank",
    "name": "name",
    "score": "score",
    "tokens": "tokens",
    "efficiency": "efficiency",
    "submissions": "submissions",
    "public rank": "public_rank",
    "change": "change",
}

app = typer.Typer(help="Challenges: models compared on hidden rows.", no_args_is_help=True)
app.add_typer(challenge_staff.app)


@app.command("list")
@handle_errors
def list_challenges(
    group: GroupId, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None
) -> None:
    """List the challenges of a group, newest first."""
    with Farebox(url) as client:
        rows = islice(client.challenges.list(group), limit)
        output.show_rows(rows, CHALLENGE_COLUMNS, as_json=as_json, empty="The group has no challenges.")


@app.command()
@handle_errors
def show(challenge: ChallengeId, as_json: AsJson = False, url: Url = None) -> None:
    """Show a challenge."""
    with Farebox(url) as client:
        found = client.challenges.get(challenge)
    if as_json:
        output.show_json(found)
        return
    facts = {name: getattr(found, field) for name, field in CHALLENGE_COLUMNS.items()}
    rows = found.rows.model_dump() if found.rows else {}
    output.show_facts(
        facts
        | {f"rows, {name}": count for name, count in rows.items()}
        | {
            "dataset": None if found.dataset_id is None else str(found.dataset_id),
            "slots a day": found.slots_per_day,
            "slots in all": found.slots_total,
            "late": found.late,
            "commitment": found.commitment,
        }
    )


@app.command()
@handle_errors
def train(
    challenge: ChallengeId,
    model_type: Annotated[
        str, typer.Option("--type", help="Its type, from farebox models types.")
    ] = "random_forest",
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the type; repeatable."),
    ] = None,
    features: Annotated[
        str | None, typer.Option(help="The columns to train on, with commas.", show_default="all")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The model's name.", show_default="generated")] = None,
    detach: Detach = False,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Train a model on the rows of a challenge; its group pays."""
    options: TrainingOptions = {"type": model_type, "params": read_pairs(param or [])}
    if features is not None:
        options["features"] = [feature.strip() for feature in features.split(",")]
    if name is not None:
        options["name"] = name
    with Farebox(url) as client:
        confirm_tokens(cost_of(client, "train", 1), yes=yes, as_json=as_json)
        job = client.challenges.start(challenge, **options)
        if detach:
            output.show_outcome(job, f"Job {job.id}: farebox jobs follow {job.id}", as_json=as_json)
        else:
            show_trained(client, wait_for_job(client, job.id), as_json=as_json)


@app.command()
@handle_errors
def submit(
    challenge: ChallengeId,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model trained with --challenge.")],
    detach: Detach = False,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Submit a model, which takes a slot, and show its public score."""
    with Farebox(url) as client:
        confirm_tokens(cost_of(client, "score", 1), yes=yes, as_json=as_json)
        submitted = client.challenges.submit(challenge, model)
        left = submitted.slots_left
        if not detach and submitted.job_id is not None:
            with JobProgress("scoring") as progress:
                client.jobs.wait(submitted.job_id, on_progress=progress)
            submitted = client.challenges.submission(submitted.id)
    slots = "" if left is None else f" {left} slots are left today."
    score = submitted.public_score
    shown = f" with the public score {output.number(score)}" if score is not None else ""
    output.show_outcome(
        submitted, f"Submission {submitted.id} is {submitted.state}{shown}.{slots}", as_json=as_json
    )


@app.command()
@handle_errors
def submissions(
    challenge: ChallengeId, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None
) -> None:
    """List your submissions; for owners and assistants those of all."""
    with Farebox(url) as client:
        rows = islice(client.challenges.submissions(challenge), limit)
        empty = f"There are none; submit a model with: farebox challenges submit {challenge} MODEL"
        output.show_rows(rows, SUBMISSION_COLUMNS, as_json=as_json, empty=empty)


@app.command()
@handle_errors
def select(
    challenge: ChallengeId,
    submissions: Annotated[
        list[int], typer.Argument(metavar="SUBMISSION...", parser=row_id, help="One or two ids.")
    ],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Select the submissions that count on the final board."""
    with Farebox(url) as client:
        chosen = client.challenges.select(challenge, submissions)
    output.show_outcome([*chosen], f"{len(chosen)} submissions are selected.", as_json=as_json)


@app.command()
@handle_errors
def leaderboard(
    challenge: ChallengeId,
    by: Annotated[Order, typer.Option(help="The order.")] = "score",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show the leaderboard, by score or by skill per token."""
    with Farebox(url) as client:
        board = client.challenges.leaderboard(challenge, by)
    if as_json:
        output.show_json(board)
        return
    output.message(f"The {board.board} board by {board.metric}, revision {board.revision}.")
    output.show_rows(board.items, LINE_COLUMNS, as_json=False, empty="Nobody has a score yet.")


@app.command()
@handle_errors
def verify(challenge: ChallengeId, as_json: AsJson = False, url: Url = None) -> None:
    """Check that the hidden rows are those of the publication; the exit code is 1 if they are not."""
    with Farebox(url) as client:
        found = client.challenges.get(challenge)
    if not commitment_holds(found):
        raise FareboxError("The commitment does not match: the hidden rows were exchanged.")
    text = f"The hidden rows of challenge {challenge} are those of its publication."
    output.show_outcome({"commitment": found.commitment, "holds": True}, text, as_json=as_json)
