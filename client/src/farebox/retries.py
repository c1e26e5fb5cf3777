"""Retries: a request is repeated only if a second arrival has no second effect."""

import random
from dataclasses import dataclass
from typing import Any

from farebox.calls import Call, NoResponse, Response
from farebox.errors import retry_after
from farebox.steps import Send, Sleep, Steps, send

REFUSED_BEFORE_WORK = {429}
TEMPORARY = {502, 503, 504}
TWIN_RUNNING = 409


@dataclass(frozen=True, slots=True)
class Retries:
    """Retry policy: at most `limit` tries, with pauses of at most `longest_pause` seconds."""

    limit: int = 5
    longest_pause: float = 10.0
    first_pause: float = 0.2


def pause_before_retry(
    call: Call[Any],  # Any: the result's type does not matter
    outcome: Response | NoResponse,
    tries: int,
    retries: Retries,
) -> float | None:
    """Seconds to wait before the next try, or None to give up.

    A request that was never sent can always be repeated. A request that may have arrived is repeated only if
    its method is safe to repeat or it carries an idempotency key.
    """
    if tries >= retries.limit or not _may_repeat(call, outcome):
        return None
    requested = retry_after(outcome.headers) if isinstance(outcome, Response) else None
    if requested is not None:
        return requested if requested <= retries.longest_pause else None
    backoff = retries.first_pause * 2 ** (tries - 1)
    return min(backoff, retries.longest_pause) * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret


def _may_repeat(call: Call[Any], outcome: Response | NoResponse) -> bool:  # Any: as above
    if isinstance(outcome, NoResponse):
        return not outcome.sent or call.is_safe_to_repeat
    if outcome.status in REFUSED_BEFORE_WORK:
        return True
    if outcome.status == TWIN_RUNNING:
        return call.is_safe_to_repeat and retry_after(outcome.headers) is not None
    return outcome.status in TEMPORARY and call.is_safe_to_repeat


def send_with_retries(step: Send, retries: Retries) -> Steps[Response]:
    """The response, of any status, after at most the allowed tries."""
    tries = 0
    while True:
        outcome = yield from send(step)
        tries += 1
        pause = pause_before_retry(step.call, outcome, tries, retries)
        if pause is not None:
            yield Sleep(pause)
        elif isinstance(outcome, NoResponse):
            raise outcome.error
        else:
            return outcome
