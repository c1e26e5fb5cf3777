"""Errors that a caller can be told, and the one place that renders them (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response
from structlog.contextvars import get_contextvars

from kit.outages import describe_outage

MEDIA_TYPE = "application/problem+json"
LONGEST_POINTER = 200


class ServiceError(Exception):
    """Something that went wrong and that the caller is told; each subclass names its status and code."""

    status: ClassVar[int]
    code: ClassVar[str]

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **members: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def __reduce__(self) -> tuple[Any, ...]:  # Any: what pickle takes
        # Between processes as it is, whatever arguments its class is made from.
        return _restored, (type(self), self.detail, vars(self))


def _restored(kind: type[ServiceError], detail: str, state: Mapping[str, object]) -> ServiceError:
    error = kind.__new__(kind, detail)
    vars(error).update(state)
    return error


class Malformed(ServiceError):
    status = 400
    code = "malformed"


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


class Conflict(ServiceError):
    status = 409
    code = "conflict"


class PayloadTooLarge(ServiceError):
    status = 413
    code = "payload_too_large"


class UnsupportedMediaType(ServiceError):
    status = 415
    code = "unsupported_media_type"


class InvalidInput(ServiceError):
    """The request was understood but a field in it cannot be used."""

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
    """Something this service needs is away for the moment; asking again is safe."""

    status = 503
    code = "unavailable"

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class FieldError(BaseModel):
    pointer: str
    detail: str


class Problem(BaseModel):
    """The body of every answer that is not 2xx."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    errors: list[FieldError] | None = None


def documented(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:  # Any: FastAPI's own type
    """The `responses` of an endpoint that raises these errors."""
    by_status: dict[int | str, dict[str, Any]] = {}  # Any: FastAPI's own type
    for error in errors:
        known = by_status.setdefault(error.status, {"model": Problem, "description": "", "codes": []})
        known["codes"].append(error.code)
    for entry in by_status.values():
        entry["description"] = "Problem: " + ", ".join(f"`{code}`" for code in sorted(entry.pop("codes")))
    return by_status


def problem_document(error: ServiceError) -> dict[str, object]:
    return {
        "type": f"urn:farebox:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": get_contextvars().get("request_id"),
        **error.members,
    }


def render(error: ServiceError) -> Response:
    body = orjson.dumps(problem_document(error))
    return Response(body, status_code=error.status, media_type=MEDIA_TYPE, headers=error.headers)


def from_validation(error: RequestValidationError) -> ServiceError:
    """What was wrong and where, without a word of what was sent."""
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return Malformed("The body is not valid JSON; check its quotes, commas and numbers.")
    errors = [{"pointer": _pointer(each["loc"]), "detail": _sentence(each)} for each in found]
    # Without where it was sent: `rows/0` says more to a reader than `/body/rows/0`.
    field = errors[0]["pointer"].partition("/")[2].partition("/")[2] or "body"
    return InvalidInput(f"{field}: {errors[0]['detail']}", errors)


def _pointer(location: Sequence[str | int]) -> str:
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in location]
    return ("/" + "/".join(steps))[:LONGEST_POINTER]


def _sentence(found: Mapping[str, Any]) -> str:  # Any: pydantic's own type
    text = (
        "This field is not known; leave it out" if found["type"] == "extra_forbidden" else str(found["msg"])
    )
    return text.removeprefix("Value error, ").rstrip(".") + "."


def from_http_exception(error: HTTPException) -> ServiceError:
    match error.status_code:
        case 404:
            return RouteNotFound("There is nothing at this address; the routes are listed at /docs.")
        case 405:
            return MethodNotAllowed(
                "This address does not take that method; see /docs.", headers=error.headers
            )
        case 413:
            return PayloadTooLarge("The body is larger than this route takes.")
        case 415:
            return UnsupportedMediaType("This route does not take that Content-Type; see /docs.")
        case _:
            return Malformed("The request could not be read; check its headers, form and body.")


def install_problem_handlers(app: FastAPI) -> None:
    async def on_service_error(_request: Request, error: Exception) -> Response:
        assert isinstance(error, ServiceError)  # noqa: S101 - narrows the type that Starlette passes
        return render(error)

    async def on_validation(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        return render(from_validation(error))

    async def on_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        return render(from_http_exception(error))

    app.add_exception_handler(ServiceError, on_service_error)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)


def from_crash(error: Exception) -> ServiceError:
    """The answer to an exception that nobody caught: an outage is 503, anything else a bug of ours."""
    outage = describe_outage(error)
    if outage is not None:
        return Unavailable(outage)
    return InternalError(
        "Something went wrong on our side; nothing was charged. Quote the request id when asking."
    )
