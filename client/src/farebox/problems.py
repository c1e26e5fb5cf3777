"""Turns an answer that is not 2xx into an error of the tree."""

from collections.abc import Iterator, Mapping
from typing import Any

import pydantic_core

from farebox.calls import Answer
from farebox.errors import AnswerNotUnderstood, FareboxError, Refused, ServiceFault
from farebox.errors.by_status import BY_STATUS

TOLD_APART = {"type", "title", "status", "detail", "code", "request_id"}


def error_of(answer: Answer) -> FareboxError:
    """The most particular error for this answer: by its code, else by its status."""
    problem = _problem_in(answer)
    if problem is None:
        return AnswerNotUnderstood(
            f"The address answered {answer.status} without saying why; it may not be a Farebox gateway.",
            status=answer.status,
        )
    code = str(problem.get("code", ""))
    request_id = problem.get("request_id") or answer.headers.get("x-request-id")
    error = _kind_of(code, answer.status)(
        str(problem.get("detail") or "The service refused without saying why."),
        code=code,
        status=answer.status,
        request_id=str(request_id) if request_id else None,
        members={name: told for name, told in problem.items() if name not in TOLD_APART},
    )
    error.retry_after = retry_after(answer)
    return error


def retry_after(answer: Answer) -> float | None:
    """The seconds that the answer asks to wait."""
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else None


def known_codes() -> Mapping[str, type[Refused]]:
    return {kind.code: kind for kind in _kinds_below(Refused)}


def _kinds_below(kind: type[Refused]) -> Iterator[type[Refused]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds_below(each)


def _kind_of(code: str, status: int) -> type[Refused]:
    by_code = known_codes().get(code)
    if by_code is not None:
        return by_code
    return BY_STATUS.get(status) or (ServiceFault if status >= 500 else Refused)


def _problem_in(answer: Answer) -> Mapping[str, Any] | None:  # Any: whatever the JSON holds
    try:
        found = pydantic_core.from_json(answer.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
