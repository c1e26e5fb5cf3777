"""What is asked and what comes back, as plain data: built once, sent by either shell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar
from uuid import uuid4

from pydantic import BaseModel, TypeAdapter, ValidationError

from farebox.errors import AnswerNotUnderstood, FareboxError

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
Parameter = str | int | float | bool | None

SAFE_METHODS = {"GET", "HEAD", "PUT", "DELETE"}
USUAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer; of a stream that was opened, only its head."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came. `sent` tells whether the request may have reached the service."""

    error: FareboxError
    sent: bool


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send; opened afresh for each try, and never read into memory whole."""

    filename: str
    open: Callable[[], BinaryIO]
    media_type: str = "text/csv"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and how to read its answer."""

    method: str
    path: str
    read: Callable[[Answer], T]
    params: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    json: object = None
    form: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, Upload] = field(default_factory=dict[str, Upload])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    authorized: bool = True
    repeatable: bool = True
    seconds: float = USUAL_SECONDS
    save_to: Path | None = None
    """Where the answer's body goes when it is the file asked for (200); it is never in memory whole."""

    @property
    def is_safe_to_repeat(self) -> bool:
        """True when a second arrival has no second effect."""
        return self.repeatable and (self.method in SAFE_METHODS or "Idempotency-Key" in self.headers)


def keyed(idempotency_key: str | None = None) -> dict[str, str]:
    """Headers under which repeating a POST has one effect."""
    return {"Idempotency-Key": idempotency_key or uuid4().hex}


def one(kind: type[Model]) -> Callable[[Answer], Model]:
    """Reads an answer whose body is this model."""

    def read(answer: Answer) -> Model:
        try:
            return kind.model_validate_json(answer.body)
        except ValidationError as error:
            raise _not_understood(kind.__name__, error) from error

    return read


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and what asks for the next."""

    items: list[T]
    next_page_token: str | None


class _PageBody(BaseModel, Generic[Model]):
    items: list[Model]
    next_page_token: str | None = None


def page(kind: type[Model]) -> Callable[[Answer], Page[Model]]:
    """Reads an answer whose body is a page of these models."""
    read_body = one(_PageBody[kind])

    def read(answer: Answer) -> Page[Model]:
        body = read_body(answer)
        return Page(body.items, body.next_page_token)

    return read


def value(kind: type[T]) -> Callable[[Answer], T]:
    """Reads an answer whose body is this plain type."""
    adapter = TypeAdapter(kind)

    def read(answer: Answer) -> T:
        try:
            return adapter.validate_json(answer.body)
        except ValidationError as error:
            raise _not_understood(str(kind), error) from error

    return read


def nothing(_answer: Answer) -> None:
    """Reads an answer that says no more than that it was done."""


def text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")


def _not_understood(what: str, error: ValidationError) -> AnswerNotUnderstood:
    first = error.errors(include_input=False)[0]
    where = ".".join(str(step) for step in first["loc"]) or "body"
    return AnswerNotUnderstood(
        f"The answer is not a {what} ({where}: {first['msg']}); check the address and the client's version."
    )
