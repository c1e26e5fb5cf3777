"""What goes wrong on this side: no answer, or none that can be used."""

from farebox.errors.base import FareboxError


class Unreachable(FareboxError):
    """Nothing answered at this address."""

    code = "unreachable"


class AnswerLost(FareboxError):
    """The request was sent but its answer never came; it may or may not have had its effect."""

    code = "answer_lost"


class AnswerNotUnderstood(FareboxError):
    """Something answered, but not as Farebox does."""

    code = "answer_not_understood"


class NotSignedIn(FareboxError):
    """There is neither a login nor an API key to send."""

    code = "not_signed_in"


class JobNotSucceeded(FareboxError):
    """The job that was waited for failed or was cancelled; nothing was charged for it."""

    code = "job_not_succeeded"


class WaitedTooLong(FareboxError):
    """The job is still going after the time that the caller was ready to wait."""

    code = "waited_too_long"


class UnusableInput(FareboxError):
    """What was handed to the client cannot be sent; nothing left this machine."""

    code = "unusable_input"
