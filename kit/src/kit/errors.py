"""Errors that callers receive as problem documents. Pure, so that rules and workers may raise them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

STANDARD_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
_BY_CODE: dict[str, type["ServiceError"]] = {}


class ServiceError(Exception):
    """A failure with an HTTP status, a stable code and a sentence with the next step.

    Each subclass defines its status and code; `members` are further fields of the problem document.
    """

    status: ClassVar[int]
    code: ClassVar[str]

    def __init_subclass__(cls) -> None:
        if "code" in vars(cls):
            _BY_CODE[cls.code] = cls

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **members: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def __reduce__(self) -> tuple[Any, ...]:  # Any: pickle's own type
        # Restores the state without the constructor, since subclasses take other arguments.
        return _restore, (type(self), self.detail, vars(self))

    def to_document(self) -> dict[str, Any]:  # Any: JSON
        """Plain JSON, to be stored or sent to another process; `from_document` reads it back."""
        return {"status": self.status, "code": self.code, "detail": self.detail, "members": self.members}


class ErrorKind(NamedTuple):
    """Status and code of another service's error that this service passes on."""

    status: int
    code: str


class RelayedError(ServiceError):
    """An error of another service, passed on with its own status, code and members."""

    def __init__(self, status: int, code: str, detail: str, **members: object) -> None:
        super().__init__(detail)
        self.members = members
        # Instance attributes hide the class attributes, since this class represents every code.
        self.status, self.code = status, code  # type: ignore[misc]

    @classmethod
    def from_problem(cls, problem: Mapping[str, Any]) -> Self:  # Any: JSON
        """The error in another service's problem document, with all its members."""
        members = {name: value for name, value in problem.items() if name not in STANDARD_MEMBERS}
        return cls(problem["status"], problem["code"], problem["detail"], **members)


def from_document(document: Mapping[str, Any]) -> ServiceError:  # Any: JSON
    """Rebuild an error from its document: its own class if this process defines it, else a RelayedError."""
    code, detail, members = document["code"], document["detail"], document.get("members", {})
    kind = _BY_CODE.get(code)
    if kind is None:
        return RelayedError(document["status"], code, detail, **members)
    error = kind.__new__(kind, detail)
    ServiceError.__init__(error, detail)
    error.members = dict(members)
    return error


def _restore(kind: type[ServiceError], detail: str, state: Mapping[str, object]) -> ServiceError:
    error = kind.__new__(kind, detail)
    vars(error).update(state)
    return error


class Malformed(ServiceError):
    status = 400
    code = "malformed"


class ClientLeft(ServiceError):
    """Nobody reads this answer; metrics count it apart from failures."""

    status = 400
    code = "client_left"

    def __init__(self) -> None:
        super().__init__(
            "The connection was closed before the answer, so the work was stopped; send it again."
        )


class Unauthenticated(ServiceError):
    status = 401
    code = "unauthenticated"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(ServiceError):
    status = 403
    code = "forbidden"


class RouteNotFound(ServiceError):
    status = 404
    code = "route_not_found"


class MethodNotAllowed(ServiceError):
    status = 405
    code = "method_not_allowed"


class PayloadTooLarge(ServiceError):
    status = 413
    code = "payload_too_large"


class UnsupportedMediaType(ServiceError):
    status = 415
    code = "unsupported_media_type"


class InvalidInput(ServiceError):
    """The request was understood, but one of its fields is invalid."""

    status = 422
    code = "invalid_input"

    def __init__(self, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        if errors:
            self.members["errors"] = [dict(error) for error in errors]


class InternalError(ServiceError):
    status = 500
    code = "internal_error"


class Unavailable(ServiceError):
    """A dependency of this service is temporarily unavailable; a retry is safe."""

    status = 503
    code = "unavailable"

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class DeadlinePassed(ServiceError):
    """The caller has stopped waiting, so the request has no effect."""

    status = 503
    code = "deadline_passed"

    def __init__(self) -> None:
        super().__init__(
            "The request took too long and had no effect; retry it, or send less at once.",
            headers={"Retry-After": "1"},
        )


class StorageFull(ServiceError):
    status = 507
    code = "storage_full"

    def __init__(
        self, detail: str = "The disk of this installation is full; retry when its operator has made room."
    ) -> None:
        super().__init__(detail, headers={"Retry-After": "60"})


class IdempotencyKeyReused(ServiceError):
    status = 422
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with other input; use a new key for a new request.")


class IdempotencyTwinRunning(ServiceError):
    status = 409
    code = "idempotency_twin_running"

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is still running; retry in a moment.",
            headers={"Retry-After": "1"},
        )


class IdempotencyKeyExpired(ServiceError):
    status = 409
    code = "idempotency_key_expired"

    def __init__(self) -> None:
        super().__init__(
            "The answer to this Idempotency-Key is no longer stored; use a new key for a new request."
        )
