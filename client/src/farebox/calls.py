"""Requests and responses as plain data: built once, sent by either transport."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel, TypeAdapter, ValidationError

from farebox.errors import FareboxError, UnexpectedResponse

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
Parameter = str | int | float | bool | None

SAFE_METHODS = {"GET", "HEAD", "PUT", "DELETE"}
DEFAULT_SECONDS = 30.0
# Routes for which the gateway waits longer. The client waits even longer, so that the gateway's response says
# what has happened, and nobody repeats a request whose answer is still on its way.
SLOW_ROUTES = (
    (re.compile("GET /v1/(me/export|me/ledger|ledger|usage|datasets/[^/]+/findings)"), 75.0),
    (re.compile("GET /v1/groups/[^/]+/(ledger|usage)"), 75.0),
    (re.compile("(GET|DELETE) /v1/datasets/[^/]+|GET /v1/(models/[^/]+/report|jobs/[^/]+/result)"), 75.0),
    (re.compile("POST /v1/models/[^/]+/predict|GET /v1/(models/[^/]+/export|jobs/[^/]+/events)"), 140.0),
    (re.compile("GET /v1/(ledger/verify|diagnosis)|PATCH /v1/datasets/[^/]+"), 330.0),
    (re.compile("POST /v1/(datasets|models)"), 930.0),
    (re.compile("POST /v1/models/[^/]+/batch"), 1230.0),
    (re.compile("POST /v1/challenges/[^/]+/submissions"), 75.0),
)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; for an open stream, its head only."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class NoResponse:
    """A failed connection. `sent` is False when the request cannot have reached the service."""

    error: FareboxError
    sent: bool


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send; opened again for each try, and never read into memory as a whole."""

    filename: str
    open: Callable[[], BinaryIO]
    media_type: str = "text/csv"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and how to read its response."""

    method: str
    path: str
    read: Callable[[Response], T]
    params: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    json: object = None
    content: bytes | None = None
    """A body of another type; `headers` name it."""
    files: Mapping[str, Upload] = field(default_factory=dict[str, Upload])
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fields of the form that has the files."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    authorized: bool = True
    repeatable: bool = True
    timeout: float | None = None
    """Seconds to wait for the next piece of the response; by default those of the route."""
    save_to: Path | None = None
    """The file that receives the body of a 200 response, piece by piece."""

    @property
    def seconds(self) -> float:
        """The time to wait for the next piece of the response."""
        return self.timeout if self.timeout is not None else route_seconds(self.method, self.path)

    @property
    def is_safe_to_repeat(self) -> bool:
        """True when sending the request twice has the effect of sending it once."""
        return self.repeatable and (self.method in SAFE_METHODS or "Idempotency-Key" in self.headers)


def route_seconds(method: str, path: str) -> float:
    """How long to wait for a response of this route."""
    return next(
        (seconds for route, seconds in SLOW_ROUTES if route.fullmatch(f"{method} {path}")), DEFAULT_SECONDS
    )


def url_path(*segments: str) -> str:
    """A path below `/v1/`. Each segment is quoted, since a name may contain any character."""
    return "/".join(["/v1", *(quote(segment, safe="") for segment in segments)])


def idempotency_header(key: str | None = None) -> dict[str, str]:
    """The header that makes a POST safe to repeat."""
    return {"Idempotency-Key": key or uuid4().hex}


class Page(BaseModel, Generic[Model]):
    """One page of a list, and the token of the next."""

    items: list[Model]
    next_page_token: str | None = None


def list_call(
    path: str, kind: type[Model], params: Mapping[str, Parameter] | None = None, *, authorized: bool = True
) -> Call[Page[Model]]:
    """The call for the first page of a list; `Session.paginate` requests the following pages."""
    return Call("GET", path, json_as(Page[kind]), params=params or {}, authorized=authorized)


def json_as(kind: type[T]) -> Callable[[Response], T]:
    """Read a JSON body of this type."""
    adapter = TypeAdapter(kind)

    def read(response: Response) -> T:
        try:
            return adapter.validate_json(response.body)
        except ValidationError as error:
            raise _unexpected(kind.__name__, error) from error

    return read


def no_content(_response: Response) -> None:
    """Read a response without content."""


def text(response: Response) -> str:
    return response.body.decode("utf-8", "replace")


def _unexpected(name: str, error: ValidationError) -> UnexpectedResponse:
    first = error.errors(include_input=False)[0]
    field_name = ".".join(str(key) for key in first["loc"]) or "body"
    return UnexpectedResponse(
        f"The response is not a {name} ({field_name}: {first['msg']}); "
        "check the address and the client's version."
    )
