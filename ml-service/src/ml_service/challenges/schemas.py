"""Schemas of challenges as they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from ml_service.challenge_orm import Challenge, ChallengePart
from ml_service.challenges.rules import ChallengeState, Moments, state_at
from ml_service.jobs.rules import context_of
from ml_service.learning.challenges.metric_rules import LOWER_IS_BETTER


class PartRows(BaseModel):
    train: int
    public: int
    private: int


class ExtensionView(BaseModel):
    """A later end: the times before and after, and when it was decided."""

    closed_at: datetime
    closes_at: datetime
    extended_at: datetime


class ChallengeView(BaseModel):
    """A challenge; `dataset_id` is the one to train on, `source_id` the owner's own, which staff see.

    `commitment` is the SHA-256 of salt and digests of the hidden parts as hexadecimal digits with colons
    between them; the salt and the digests are shown at the end. `now` is the time by which the state follows.
    """

    id: int
    group_id: int
    title: str
    state: ChallengeState
    now: datetime
    dataset_id: int | None
    source_id: int | None
    label: str
    split: dict[str, Any]  # Any: a column, or shares
    metric: str
    lower_is_better: bool
    opens_at: datetime
    closes_at: datetime
    extensions: list[ExtensionView]
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
    digests: dict[str, str] | None


def moments_of(challenge: Challenge) -> Moments:
    return Moments(challenge.opens_at, challenge.closes_at, challenge.published_at, challenge.finalised_at)


@dataclass(frozen=True, slots=True)
class ShownChallenge:
    """A challenge at a time, with its parts by name; staff are owners and assistants."""

    challenge: Challenge
    now: datetime
    parts: Mapping[str, ChallengePart]
    dataset_id: int | None
    is_staff: bool


def view_of(shown: ShownChallenge) -> ChallengeView:
    challenge, now, parts, is_staff = shown.challenge, shown.now, shown.parts, shown.is_staff
    state = state_at(moments_of(challenge), now)
    is_final = state is ChallengeState.FINAL
    hidden = {name: part.sha256.hex() for name, part in parts.items() if name != "train"}
    return ChallengeView(
        id=challenge.id,
        group_id=challenge.group_id,
        title=challenge.title,
        state=state,
        now=now,
        dataset_id=shown.dataset_id,
        source_id=challenge.source_id if is_staff else None,
        label=challenge.label,
        split=challenge.split,
        metric=challenge.metric,
        lower_is_better=challenge.metric in LOWER_IS_BETTER,
        opens_at=challenge.opens_at,
        closes_at=challenge.closes_at,
        extensions=[ExtensionView.model_validate(each) for each in challenge.extensions],
        slots_per_day=challenge.slots_per_day,
        slots_total=challenge.slots_total,
        late=challenge.late,
        token_limit=challenge.token_limit,
        context=context_of(challenge.id),
        revision=challenge.revision,
        publish_job_id=challenge.publish_job_id if is_staff else None,
        rows=PartRows(**{name: part.rows for name, part in parts.items()}) if parts else None,
        commitment=challenge.commitment.hex() if challenge.commitment else None,
        salt=challenge.salt.hex() if is_final and challenge.salt else None,
        digests=hidden if is_final else None,
    )
