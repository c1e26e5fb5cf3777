"""What the exit code says, for scripts."""

from collections.abc import Mapping

from farebox.errors import (
    AnswerLost,
    Conflict,
    FareboxError,
    Forbidden,
    InvalidInput,
    JobNotSucceeded,
    Malformed,
    NotFound,
    NotSignedIn,
    PayloadTooLarge,
    PaymentRefused,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unreachable,
    UnsupportedMediaType,
    UnusableInput,
    WaitedTooLong,
)

OK, OTHER, USAGE, INTERRUPTED = 0, 1, 2, 130

CODES: Mapping[type[FareboxError], int] = {
    NotSignedIn: 3,
    Unauthenticated: 3,
    PaymentRefused: 4,
    Unreachable: 5,
    Unavailable: 5,
    AnswerLost: 5,
    TooManyRequests: 5,
    WaitedTooLong: 5,
    NotFound: 6,
    UnusableInput: 7,
    Malformed: 7,
    InvalidInput: 7,
    PayloadTooLarge: 7,
    UnsupportedMediaType: 7,
    Forbidden: 8,
    Conflict: 9,
    JobNotSucceeded: 10,
}

MEANINGS: Mapping[int, str] = {
    0: "it worked",
    1: "anything else went wrong",
    2: "the command line was wrong",
    3: "not signed in, or no longer",
    4: "not enough tokens, or the card was declined",
    5: "out of reach, overloaded or too slow: try again",
    6: "there is no such thing",
    7: "what was given cannot be used",
    8: "not allowed",
    9: "in conflict with something that exists or runs",
    10: "the job failed or was cancelled",
    130: "interrupted with Ctrl-C",
}


def exit_code(error: FareboxError) -> int:
    """The code of the error's nearest kind."""
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), OTHER)
