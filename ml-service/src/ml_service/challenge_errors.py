"""Errors of groups, challenges and submissions."""

from kit.errors import ServiceError


class GroupNotFound(ServiceError):
    status = 404
    code = "group_not_found"

    def __init__(self) -> None:
        super().__init__("You are in no group with this id; check it in the list of your groups.")


class GroupArchived(ServiceError):
    status = 409
    code = "group_archived"

    def __init__(self) -> None:
        super().__init__("The group is archived; its owner can make it active again.")


class ChallengeNotFound(ServiceError):
    status = 404
    code = "challenge_not_found"

    def __init__(self) -> None:
        super().__init__("You see no challenge with this id; list those of your group.")


class ChallengeNotOpen(ServiceError):
    status = 409
    code = "challenge_not_open"


class ChallengeFrozen(ServiceError):
    """The change is not possible any more in this state of the challenge."""

    status = 409
    code = "challenge_frozen"


class ChallengeBusy(ServiceError):
    """A job of the challenge has to end first."""

    status = 409
    code = "challenge_busy"


class TooManyChallenges(ServiceError):
    status = 409
    code = "too_many_challenges"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"The group has {most} challenges, the most there may be; delete drafts, then retry."
        )


class SubmissionNotFound(ServiceError):
    status = 404
    code = "submission_not_found"

    def __init__(self) -> None:
        super().__init__("You have no submission with this id; list those of the challenge.")


class SubmissionLimitReached(ServiceError):
    status = 409
    code = "submission_limit_reached"

    def __init__(self, limit: int, resets_at: str | None) -> None:
        when = "no more are possible" if resets_at is None else f"submit again after {resets_at}"
        super().__init__(
            f"You have used all {limit} submissions; {when}.", limit=limit, used=limit, resets_at=resets_at
        )


class ModelNotEligible(ServiceError):
    """The model was not trained on this challenge, or predicts something else."""

    status = 422
    code = "model_not_eligible"


class TimeWithoutOffset(ServiceError):
    status = 422
    code = "time_without_offset"

    def __init__(self) -> None:
        super().__init__("A time needs its offset from UTC, such as 2026-11-30T18:00:00+01:00.")
