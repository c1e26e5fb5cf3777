"""When a request is sent again: only where a second arrival cannot have a second effect."""

import random
from dataclasses import dataclass
from typing import Any

from farebox.calls import Answer, Call, Lost
from farebox.problems import retry_after
from farebox.steps import Pause, Send, Steps, send

REFUSED_BEFORE_WORK = {429}
PASSING = {502, 503, 504}
TWIN_RUNNING = 409


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient the client is: at most `limit` tries, never pausing longer than `longest_pause` seconds."""

    limit: int = 5
    longest_pause: float = 10.0
    first_pause: float = 0.2


def pause_before_retry(
    call: Call[Any],  # Any: the answer's type plays no part
    outcome: Answer | Lost,
    tries: int,
    retries: Retries,
) -> float | None:
    """Seconds to wait before sending again, or None to give up, after so many tries.

    A request that never left can always be sent again. One that may have arrived is sent again only when it
    is safe to repeat: by its method, or because it carries an idempotency key.
    """
    if tries >= retries.limit or not _may_repeat(call, outcome):
        return None
    asked = retry_after(outcome) if isinstance(outcome, Answer) else None
    if asked is not None:
        return asked if asked <= retries.longest_pause else None
    backoff = retries.first_pause * 2 ** (tries - 1)
    return min(backoff, retries.longest_pause) * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret


def _may_repeat(call: Call[Any], outcome: Answer | Lost) -> bool:  # Any: as above
    if isinstance(outcome, Lost):
        return not outcome.sent or call.is_safe_to_repeat
    if outcome.status in REFUSED_BEFORE_WORK:
        return True
    if outcome.status == TWIN_RUNNING:
        return call.is_safe_to_repeat and retry_after(outcome) is not None
    return outcome.status in PASSING and call.is_safe_to_repeat


def send_patiently(step: Send, retries: Retries) -> Steps[Answer]:
    """The answer, whatever its status, after as many tries as are allowed and safe."""
    tries = 0
    while True:
        outcome = yield from send(step)
        tries += 1
        pause = pause_before_retry(step.call, outcome, tries, retries)
        if pause is not None:
            yield Pause(pause)
        elif isinstance(outcome, Lost):
            raise outcome.error
        else:
            return outcome
