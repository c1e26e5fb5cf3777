"""Challenges: models compared on hidden rows, which never leave Farebox."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypedDict, Unpack

from farebox.calls import Call, Page, idempotency_header, json_as, list_call, no_content, text
from farebox.errors import InvalidArgument
from farebox.operations import Resource, S, listing, operation
from farebox.resources.jobs import OnProgress, wait_for
from farebox.resources.models import TrainingOptions, model_call, order_call
from farebox.results.challenges import Challenge, Late, Leaderboard, Submission
from farebox.results.jobs import Job
from farebox.results.models import Model
from farebox.steps import Steps

Order = Literal["score", "efficiency"]


class Holdout(TypedDict, total=False):
    """The hidden rows: those that a column marks with train, public and private, or shares of all rows."""

    column: str
    holdout_share: float
    public_share: float


class Choices(TypedDict, total=False):
    """What has a default."""

    split: Holdout
    """By default 30 % of the rows are hidden, and a third of those make the public score."""
    slots_per_day: int
    """Submissions of a member in a day, by default 5."""
    slots_total: int
    """Submissions of a member in all, by default 100."""
    late: Late
    """What happens to late submissions, by default `refuse`."""
    token_limit: int
    """The tokens that a member should need."""


class Draft(Choices):
    """A new challenge; `dataset_id` is your own with all rows, and times have an offset."""

    title: str
    dataset_id: int
    label: str
    metric: str
    opens_at: datetime
    closes_at: datetime


class Changes(Choices, total=False):
    """Changes of a draft; after the publication only the title and a later end."""

    title: str
    dataset_id: int
    label: str
    metric: str
    opens_at: datetime
    closes_at: datetime


HIDDEN: Holdout = {"holdout_share": 0.3, "public_share": 0.33}


class Challenges(Resource[S]):
    """Challenges of your groups."""

    @operation
    def create(
        self,
        group_id: int,
        draft: Draft,
    ) -> Call[Challenge]:
        """Draft a challenge from your own dataset, as an owner or assistant."""
        path = f"/v1/groups/{group_id}/challenges"
        body = {"split": HIDDEN, **_as_json(draft)}
        return Call("POST", path, json_as(Challenge), json=body, headers=idempotency_header())

    @listing
    def list(self, group_id: int) -> Call[Page[Challenge]]:
        """The challenges of a group, newest first; drafts for owners and assistants."""
        return list_call(f"/v1/groups/{group_id}/challenges", Challenge)

    @operation
    def get(self, challenge_id: int) -> Call[Challenge]:
        """A challenge."""
        return Call("GET", f"/v1/challenges/{challenge_id}", json_as(Challenge))

    @operation
    def change(self, challenge_id: int, changes: Changes) -> Call[Challenge]:
        """Change a draft; after the publication only the title, and a later `closes_at`."""
        path = f"/v1/challenges/{challenge_id}"
        return Call("PATCH", path, json_as(Challenge), json=_as_json(changes))

    @operation
    def delete(self, challenge_id: int) -> Call[None]:
        """Delete a draft."""
        return Call("DELETE", f"/v1/challenges/{challenge_id}", no_content)

    @operation
    def publish(self, challenge_id: int) -> Call[Job]:
        """Publish a draft, as an owner: a free job splits your dataset; wait for it with `jobs.wait`."""
        return Call("POST", f"/v1/challenges/{challenge_id}/publish", json_as(Job), repeatable=False)

    @operation
    def finalise(self, challenge_id: int) -> Call[Challenge]:
        """End a closed challenge, as an owner: the final board is shown from then on."""
        return Call("POST", f"/v1/challenges/{challenge_id}/finalise", json_as(Challenge))

    @operation
    def start(self, challenge_id: int, **options: Unpack[TrainingOptions]) -> Call[Job]:
        """Start a training on the rows of a challenge, which its group pays; returns its job."""
        return order_call({"challenge_id": challenge_id}, options)

    @operation
    def train(
        self,
        challenge_id: int,
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[TrainingOptions],
    ) -> Steps[Model]:
        """Train a model on the rows of a challenge, which its group pays, and wait for it."""
        session = self.session
        job = yield from session.request(order_call({"challenge_id": challenge_id}, options))
        job = yield from wait_for(session, job.id, on_progress)
        return (yield from session.request(model_call(job.model_name)))

    @operation
    def submit(self, challenge_id: int, model: str) -> Call[Submission]:
        """Submit a model that you have trained on the challenge; it takes a slot, and a job scores it.

        A repeated submission of a model gets the first answer, so that a lost response is no second slot.
        """
        path = f"/v1/challenges/{challenge_id}/submissions"
        return Call("POST", path, json_as(Submission), json={"model": model}, headers=idempotency_header())

    @listing
    def submissions(self, challenge_id: int) -> Call[Page[Submission]]:
        """Your submissions, newest first; for owners and assistants those of all."""
        return list_call(f"/v1/challenges/{challenge_id}/submissions", Submission)

    @operation
    def submission(self, submission_id: int) -> Call[Submission]:
        """A submission, with its scores once they are there."""
        return Call("GET", f"/v1/submissions/{submission_id}", json_as(Submission))

    @operation
    def select(self, challenge_id: int, submissions: Sequence[int]) -> Steps[Sequence[Submission]]:
        """Select up to two submissions for the final board; without any, the best public one counts."""
        path = f"/v1/challenges/{challenge_id}/selection"
        call = Call("PUT", path, json_as(Page[Submission]), json={"submissions": [*submissions]})
        return (yield from self.session.request(call)).items

    @operation
    def void(self, submission_id: int, reason: str) -> Call[Submission]:
        """Take a submission off the boards, as an owner or assistant; its slot stays used."""
        path = f"/v1/submissions/{submission_id}/void"
        return Call("POST", path, json_as(Submission), json={"reason": reason}, repeatable=False)

    @operation
    def leaderboard(self, challenge_id: int, by: Order = "score") -> Call[Leaderboard]:
        """The leaderboard, by score or by skill per token."""
        path = f"/v1/challenges/{challenge_id}/leaderboard"
        return Call("GET", path, json_as(Leaderboard), params={"by": by})

    @operation
    def results(self, challenge_id: int) -> Call[str]:
        """The results as CSV with the names of the roster, for owners and assistants."""
        return Call("GET", f"/v1/challenges/{challenge_id}/results", text)


def _as_json(changes: Mapping[str, object]) -> dict[str, object]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in changes.items()
    }


def commitment_holds(challenge: Challenge) -> bool:
    """Whether the hidden rows are those of the publication; raises InvalidArgument before the end."""
    if challenge.salt is None or challenge.digests is None:
        raise InvalidArgument("The salt and the digests are shown once the challenge is final.")
    committed = f"{challenge.salt}:{challenge.digests['public']}:{challenge.digests['private']}"
    return hashlib.sha256(committed.encode()).hexdigest() == challenge.commitment
