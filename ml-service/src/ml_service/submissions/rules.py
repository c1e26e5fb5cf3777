"""Rules of submissions: who may submit when, which models count, and the digest of an artefact."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ml_service.challenge_errors import ChallengeNotOpen, ModelNotEligible
from ml_service.challenges.rules import ChallengeState
from ml_service.learning.challenges.metric_rules import task_of

MOST_SELECTED = 2
# The files that decide about predictions; reports differ between trainings of equal models.
SCORED_FILES = ("model.json", "predictor.npz")
VOID, SCORED, ACCEPTED = "void", "scored", "accepted"


def check_open(state: ChallengeState, late: str) -> bool:
    """Whether a submission now is late; raises ChallengeNotOpen."""
    if state is ChallengeState.OPEN:
        return False
    if state is ChallengeState.CLOSED and late == "unranked":
        return True
    reason = "is not open yet" if state is ChallengeState.UPCOMING else "has closed"
    raise ChallengeNotOpen(f"This challenge {reason}; GET /v1/challenges/{{id}} shows its times.")


def check_model(description: Mapping[str, Any], label: str, metric: str) -> None:  # Any: JSON
    """Raises ModelNotEligible for a model with another label or task."""
    if description["label"] != label:
        raise ModelNotEligible(
            f"This model predicts '{description['label']}', and the challenge is about '{label}'; train on "
            "its label."
        )
    task = task_of(metric)
    if description["task"] != task:
        raise ModelNotEligible(
            f"The metric {metric} needs {task}, and this model does {description['task']}; train one with "
            "that task."
        )


def digest_of(files: Mapping[str, Any]) -> bytes:  # Any: JSON
    """One SHA-256 of the files that decide about a model's predictions."""
    recorded = (files[name] for name in SCORED_FILES)
    digests = (each if isinstance(each, str) else each["sha256"] for each in recorded)
    return sha256(":".join(digests).encode()).digest()
