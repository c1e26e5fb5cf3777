"""`farebox challenges` for owners and assistants: drafts, publication, results and the end."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import (
    AsJson,
    ChallengeId,
    Detach,
    GroupId,
    Url,
    Yes,
    row_id,
)
from farebox.command.progress import JobProgress
from farebox.command.prompts import confirm
from farebox.resources.challenges import Draft, Holdout
from farebox.results.challenges import Late

SubmissionId = Annotated[
    int, typer.Argument(metavar="SUBMISSION", parser=row_id, help="The submission's id, from the list.")
]

app = typer.Typer()


@app.command()
@handle_errors
def create(
    group: GroupId,
    title: Annotated[str, typer.Argument(help="The title.")],
    dataset: Annotated[
        int, typer.Option(metavar="DATASET", parser=row_id, help="The id of your dataset with all rows.")
    ],
    label: Annotated[str, typer.Option(help="The column to predict.")],
    metric: Annotated[str, typer.Option(help="The metric, such as accuracy or r2.")],
    opens: Annotated[datetime | None, typer.Option(help="In your time.", show_default="now")] = None,
    closes: Annotated[
        datetime | None, typer.Option(help="In your time.", show_default="in two weeks")
    ] = None,
    holdout_share: Annotated[float, typer.Option(min=0.01, max=0.9, help="The share of hidden rows.")] = 0.3,
    public_share: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="The share of hidden rows that make the public score.")
    ] = 0.33,
    split_column: Annotated[
        str | None,
        typer.Option(help="A column with train, public and private, in place of shares.", show_default=False),
    ] = None,
    slots_per_day: Annotated[int, typer.Option(min=1, help="Submissions of a member in a day.")] = 5,
    slots_total: Annotated[int, typer.Option(min=1, help="Submissions of a member in all.")] = 100,
    late: Annotated[Late, typer.Option(help="What happens to late submissions.")] = "refuse",
    token_limit: Annotated[
        int | None, typer.Option(min=1, help="The tokens that a member should need.", show_default="none")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Draft a challenge from your own dataset."""
    start = (opens or datetime.now()).astimezone()  # noqa: DTZ005 - the time of this machine is meant
    end = closes.astimezone() if closes else start + timedelta(days=14)
    shares = Holdout(holdout_share=holdout_share, public_share=public_share)
    draft: Draft = {
        "title": title,
        "dataset_id": dataset,
        "label": label,
        "metric": metric,
        "opens_at": start,
        "closes_at": end,
        "split": shares if split_column is None else Holdout(column=split_column),
        "slots_per_day": slots_per_day,
        "slots_total": slots_total,
        "late": late,
    }
    if token_limit is not None:
        draft["token_limit"] = token_limit
    with Farebox(url) as client:
        challenge = client.challenges.create(group, draft)
    then = f"publish it with: farebox challenges publish {challenge.id}"
    output.show_outcome(challenge, f"Challenge {challenge.id} is a draft; {then}", as_json=as_json)


@app.command()
@handle_errors
def publish(
    challenge: ChallengeId,
    detach: Detach = False,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Publish a draft: its dataset is split, and members can train and submit."""
    with Farebox(url) as client:
        confirm(f"Publish challenge {challenge}? Its data and rules stay as they are then.", yes=yes)
        job = client.challenges.publish(challenge)
        if not detach:
            with JobProgress("splitting") as progress:
                client.jobs.wait(job.id, on_progress=progress)
        published = client.challenges.get(challenge)
    output.show_outcome(published, f"Challenge {challenge} is {published.state}.", as_json=as_json)


@app.command()
@handle_errors
def results(challenge: ChallengeId, as_json: AsJson = False, url: Url = None) -> None:
    """Print the results as CSV, for owners and assistants."""
    with Farebox(url) as client:
        text = client.challenges.results(challenge)
    output.show_json({"results": text}) if as_json else typer.echo(text, nl=False)


@app.command()
@handle_errors
def finalise(challenge: ChallengeId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """End a closed challenge: the final board is shown."""
    with Farebox(url) as client:
        confirm(f"Make challenge {challenge} final?", yes=yes)
        ended = client.challenges.finalise(challenge)
    output.show_outcome(ended, f"Challenge {challenge} is final.", as_json=as_json)


@app.command()
@handle_errors
def void(
    submission: SubmissionId,
    reason: Annotated[str, typer.Option(help="Shown to the member.")],
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Take a submission off the boards, as an owner or assistant."""
    with Farebox(url) as client:
        confirm(f"Take submission {submission} off the boards?", yes=yes)
        voided = client.challenges.void(submission, reason)
    output.show_outcome(voided, f"Submission {submission} is void.", as_json=as_json)


@app.command()
@handle_errors
def delete(challenge: ChallengeId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Delete a draft."""
    with Farebox(url) as client:
        confirm(f"Delete challenge {challenge}?", yes=yes)
        client.challenges.delete(challenge)
    output.show_outcome({"deleted": challenge}, f"Challenge {challenge} is deleted.", as_json=as_json)
