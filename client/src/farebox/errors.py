"""Errors: a class for each HTTP status, and for the codes that callers handle by class.

`str(error)` is a sentence that names the next step. `farebox.error_codes.ErrorCode` lists the codes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pydantic_core

from farebox.error_codes import ErrorCode

BY_CODE: dict[str, type["ApiError"]] = {}
BY_STATUS: dict[int, type["ApiError"]] = {}
STANDARD_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


class FareboxError(Exception):
    """The base class of every error of the client.

    `code` is stable, for programs. `status` is the HTTP status, None without a response. `request_id` belongs
    in a bug report. `members` are the further fields of the problem document.
    """

    code: str = "error"
    status: int | None = None

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.status = status or type(self).status
        self.request_id = request_id
        self.members = dict(members or {})


class ApiError(FareboxError):
    """The service refused the request or failed; `retry_after` is the suggested wait in seconds."""

    retry_after: float | None = None

    def __init_subclass__(cls, *, codes: Sequence[ErrorCode] = ()) -> None:
        """Register the class for these codes or, without any, for its status."""
        if codes:
            cls.code = codes[0]
            BY_CODE.update(dict.fromkeys(codes, cls))
        elif cls.status is not None:
            BY_STATUS.setdefault(cls.status, cls)

    def _integer(self, member: str) -> int | None:
        number = self.members.get(member)
        return number if isinstance(number, int) else None

    def _text(self, member: str) -> str | None:
        text = self.members.get(member)
        return text if isinstance(text, str) else None


class Malformed(ApiError):
    status = 400
    code = "malformed"


class Unauthenticated(ApiError):
    """The login or API key is invalid, or has ended; log in again."""

    status = 401
    code = "unauthenticated"


class WrongCredentials(Unauthenticated, codes=("wrong_credentials",)):
    """The account name or the password is wrong."""


class PaymentRefused(ApiError):
    status = 402
    code = "payment_refused"


class NotEnoughTokens(PaymentRefused, codes=("not_enough_tokens", "token_cap_reached")):
    """The request costs `required` tokens; the wallet, or the key's cap, has only `available`."""

    @property
    def required(self) -> int | None:
        return self._integer("required")

    @property
    def available(self) -> int | None:
        return self._integer("available")


class CardDeclined(PaymentRefused, codes=("card_declined",)):
    """The card was declined and nothing was charged."""


class Forbidden(ApiError):
    status = 403
    code = "forbidden"


class AccountDisabled(Forbidden, codes=("account_disabled",)):
    """An administrator has disabled the account."""


class NotFound(ApiError):
    """The object does not exist, or belongs to another user."""

    status = 404
    code = "not_found"


class NoResult(NotFound, codes=("no_result",)):
    """The job has no file to download: it trained a model, did not succeed, or ended too long ago."""


class Conflict(ApiError):
    status = 409
    code = "conflict"


class NameTaken(Conflict, codes=("name_taken",)):
    """An account with this name already exists."""


class ResultPending(Conflict, codes=("result_pending",)):
    """The job has not ended; wait for it, then download its result."""


class PayloadTooLarge(ApiError):
    status = 413
    code = "payload_too_large"


class UnsupportedMediaType(ApiError):
    status = 415
    code = "unsupported_media_type"


class InvalidInput(ApiError):
    """The request was understood but cannot be used.

    `errors` names each invalid field and the reason; `line` and `column` locate a fault in a table.
    """

    status = 422
    code = "invalid_input"

    @property
    def errors(self) -> list[Mapping[str, str]]:
        errors = self.members.get("errors")
        return list(errors) if isinstance(errors, list) else []

    @property
    def line(self) -> int | None:
        return self._integer("line")

    @property
    def column(self) -> str | None:
        return self._text("column")


class TooManyRequests(ApiError):
    """Wait `retry_after` seconds."""

    status = 429
    code = "too_many_requests"


class ServiceFault(ApiError):
    """The service failed; nothing was charged."""

    status = 500
    code = "internal_error"


class Unavailable(ServiceFault):
    """A part of the service is temporarily unavailable; a retry is safe."""

    status = 503
    code = "unavailable"


# Scripts read these codes in the output of --json, so they stay when a class is renamed.
class Unreachable(FareboxError):
    """Nothing listens at this address."""

    code = "unreachable"


class ResponseLost(FareboxError):
    """The connection broke before the response; the request may or may not have taken effect."""

    code = "answer_lost"


class UnexpectedResponse(FareboxError):
    """The response is not one that Farebox sends."""

    code = "answer_not_understood"


class NotLoggedIn(FareboxError):
    """The client has neither a login nor an API key."""

    code = "not_signed_in"


class JobNotSucceeded(FareboxError):
    """The job failed or was cancelled. `members["job"]` is the job, with its `tokens_charged`."""

    code = "job_not_succeeded"


class WaitTimeout(FareboxError):
    """The job did not end within the caller's timeout."""

    code = "waited_too_long"


class InvalidArgument(FareboxError):
    """An argument is invalid; no request was sent."""

    code = "unusable_input"


def error_from(status: int, headers: Mapping[str, str], body: bytes) -> FareboxError:
    """The error for a non-2xx response, by its code or else by its status."""
    problem = _problem_in(body)
    if problem is None:
        return UnexpectedResponse(
            f"The address responded {status} without a reason; it may not be a Farebox gateway.",
            status=status,
        )
    code = str(problem.get("code", ""))
    request_id = problem.get("request_id") or headers.get("x-request-id")
    error = _class_for(code, status)(
        str(problem.get("detail") or "The service refused the request without a reason."),
        code=code,
        status=status,
        request_id=str(request_id) if request_id else None,
        members={name: member for name, member in problem.items() if name not in STANDARD_MEMBERS},
    )
    error.retry_after = retry_after(headers)
    return error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait in seconds that a response suggests."""
    seconds = headers.get("retry-after", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() else None


def _class_for(code: str, status: int) -> type[ApiError]:
    return BY_CODE.get(code) or BY_STATUS.get(status) or (ServiceFault if status >= 500 else ApiError)


def _problem_in(body: bytes) -> Mapping[str, Any] | None:  # Any: JSON
    try:
        problem = pydantic_core.from_json(body)
    except ValueError:
        return None
    return problem if isinstance(problem, dict) else None
