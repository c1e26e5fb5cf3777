"""Challenges, submissions and leaderboards."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from farebox.results.base import Result

ChallengeState = Literal["draft", "upcoming", "open", "closed", "final"]
Late = Literal["refuse", "unranked"]


class PartRows(Result):
    """The rows of each part; those of `public` and `private` are hidden."""

    train: int
    public: int
    private: int


class Extension(Result):
    """A later end: the times before and after, and when it was decided."""

    closed_at: datetime
    closes_at: datetime
    extended_at: datetime


class Challenge(Result):
    """A challenge; `dataset_id` is the one to train on, and `now` the time by which the state follows.

    `commitment` is the SHA-256 of salt and digests of the hidden parts; `commitment_holds` checks it at the
    end, when both are shown.
    """

    id: int
    group_id: int
    title: str
    state: ChallengeState
    now: datetime
    dataset_id: int | None
    source_id: int | None
    label: str
    split: Mapping[str, object]
    metric: str
    lower_is_better: bool
    opens_at: datetime
    closes_at: datetime
    extensions: Sequence[Extension]
    slots_per_day: int
    slots_total: int
    late: str
    token_limit: int | None
    context: str
    revision: int
    publish_job_id: int | None
    rows: PartRows | None
    commitment: str | None
    salt: str | None
    digests: Mapping[str, str] | None


class ScoreInterval(Result):
    """The 95% interval of a final score."""

    low: float
    high: float


class Submission(Result):
    """A frozen model; it has a `public_score` once scored, and a `final_score` at the end."""

    id: int
    challenge_id: int
    entrant: str
    model: str | None
    state: Literal["accepted", "scored", "void"]
    accepted_at: datetime
    late: bool
    selected: bool
    job_id: int | None
    artefact_sha256: str
    revision: int
    public_score: float | None
    final_score: float | None = None
    interval: ScoreInterval | None = None
    void_reason: str | None
    slots_left: int | None = None


class Line(Result):
    """A line of a leaderboard; `tokens` is None while billing is away."""

    rank: int
    name: str
    own: bool
    score: float
    tokens: int | None
    efficiency: float | None
    submissions: int
    public_rank: int | None = None
    change: int | None = None
    interval: ScoreInterval | None = None


class Leaderboard(Result):
    """A board: `public`, `frozen` from the end on, then `final`."""

    board: Literal["public", "frozen", "final"]
    revision: int
    metric: str
    items: Sequence[Line]
