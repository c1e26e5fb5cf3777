"""Problem documents (RFC 9457): rendering of errors, and parsing of another service's errors."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kit.errors import (
    ErrorKind,
    InternalError,
    InvalidInput,
    Malformed,
    MethodNotAllowed,
    PayloadTooLarge,
    RouteNotFound,
    ServiceError,
    UnsupportedMediaType,
)
from kit.log_fields import current_fields
from kit.outages import outage_error

MEDIA_TYPE = "application/problem+json"
LONGEST_POINTER = 200
# A list of many thousand items may have a fault in each.
MOST_FAULTS = 100
# Pydantic's error types as sentences that follow a field's name; its own messages are for programmers.
SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field; leave it out",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


class FieldError(BaseModel):
    pointer: str
    detail: str


class Problem(BaseModel):
    """The body of every error response."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    errors: list[FieldError] | None = None


def documented(
    *errors: type[ServiceError] | ErrorKind,
) -> dict[int | str, dict[str, Any]]:  # Any: FastAPI's own type
    """The OpenAPI `responses` of an endpoint that raises these errors."""
    by_status: dict[int | str, dict[str, Any]] = {}  # Any: FastAPI's own type
    for error in errors:
        response = by_status.setdefault(error.status, {"model": Problem, "description": "", "codes": []})
        response["codes"].append(error.code)
    for entry in by_status.values():
        entry["description"] = "Problem: " + ", ".join(f"`{code}`" for code in sorted(entry.pop("codes")))
    return by_status


# Any request may be malformed, limited or meet an outage, so every operation has this response.
ANY_PROBLEM: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type
    "default": {"model": Problem, "description": "Problem"}
}


def set_media_type(document: dict[str, Any]) -> dict[str, Any]:  # Any: an OpenAPI document
    """Give the problems of an OpenAPI document their media type; FastAPI gives them the endpoint's own."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status == "default" or status >= "400":
                    (content,) = response["content"].values()
                    response["content"] = {MEDIA_TYPE: content}
    return document


def problem_document(error: ServiceError) -> dict[str, object]:
    return {
        "type": f"urn:farebox:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": current_fields().get("request_id"),
        **error.members,
    }


def render(error: ServiceError) -> Response:
    body = orjson.dumps(problem_document(error))
    return Response(body, status_code=error.status, media_type=MEDIA_TYPE, headers=error.headers)


def from_validation(error: RequestValidationError) -> ServiceError:
    """The invalid fields with reasons, but without the sent values."""
    faults = error.errors()[:MOST_FAULTS]
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Malformed("The body is not valid JSON; check its quotes, commas and numbers.")
    errors = [{"pointer": _pointer(fault["loc"]), "detail": _sentence(fault)} for fault in faults]
    # Without `/body`: `rows/0` reads better than `/body/rows/0`.
    field = errors[0]["pointer"].partition("/")[2].partition("/")[2] or "body"
    return InvalidInput(f"{field}: {errors[0]['detail']}", errors)


def _pointer(location: Sequence[str | int]) -> str:
    keys = [str(key).replace("~", "~0").replace("/", "~1") for key in location]
    return ("/" + "/".join(keys))[:LONGEST_POINTER]


def _sentence(fault: Mapping[str, Any]) -> str:  # Any: pydantic's own type
    template = SENTENCES.get(fault["type"])
    if template is not None:
        return template.format(**fault.get("ctx", {})) + "."
    return str(fault["msg"]).removeprefix("Value error, ").rstrip(".") + "."


def from_http_exception(error: HTTPException) -> ServiceError:
    match error.status_code:
        case 404:
            return RouteNotFound("No route matches this address; the routes are listed at /docs.")
        case 405:
            return MethodNotAllowed(
                "This route does not allow that method; see /docs.", headers=error.headers
            )
        case 413:
            return PayloadTooLarge("The body is larger than this route accepts.")
        case 415:
            return UnsupportedMediaType("This route does not accept that Content-Type; see /docs.")
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
    """The error for an uncaught exception: 503 or 507 for an outage, 500 for a bug."""
    return outage_error(error) or InternalError(
        "Something went wrong on our side. Report it with the request id."
    )
