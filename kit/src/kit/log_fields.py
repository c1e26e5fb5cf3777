"""Fields of all log lines of a request or a job, such as its id.

They are in one context variable. structlog has one for each field and searches all variables of the context,
twice for each request and once more for each of its lines.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from structlog.typing import EventDict, WrappedLogger

Fields = Mapping[str, Any]  # Any: text and numbers
NONE: Fields = MappingProxyType({})

_fields: ContextVar[Fields] = ContextVar("log_fields", default=NONE)


def current_fields() -> Fields:
    return _fields.get()


def set_fields(fields: Fields) -> None:
    """Replace all fields of this context."""
    _fields.set(fields)


def bind_fields(**fields: object) -> None:
    """Add fields to those of this context."""
    _fields.set({**_fields.get(), **fields})


@contextmanager
def bound_fields(**fields: object) -> Generator[None]:
    """Add fields for the block."""
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


def merge_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Processor: add the fields to a log event, whose own ones count first."""
    for name, value in _fields.get().items():
        event.setdefault(name, value)
    return event
