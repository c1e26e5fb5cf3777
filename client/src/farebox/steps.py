"""Steps of the sans-IO core. A flow is a generator that yields steps to a transport and receives replies.

Every decision of the client (credentials, retries, waiting, paging, resuming a stream) is written once, as a
flow without I/O. A transport performs the steps, either blocking or awaiting.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from farebox.calls import Call, NoResponse, Response

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request and read the response; for a stream, only the head.

    Reply: Response or NoResponse.
    """

    call: Call[Any]  # Any: a transport does not parse the response
    headers: Mapping[str, str]
    stream: bool = False

    @property
    def keeps_open(self) -> bool:
        """True when the body is read piece by piece."""
        return self.stream or self.call.save_to is not None


@dataclass(frozen=True, slots=True)
class NextText:
    """Read the stream's next piece of text. Reply: str, None at its end, or NoResponse."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for this many seconds. Reply: None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Yield this value to the caller's loop. Reply: None."""

    value: T


Step: TypeAlias = Send | NextText | Sleep
Reply: TypeAlias = Response | NoResponse | str | None
Steps: TypeAlias = Generator[Step, Reply, T]
Emits: TypeAlias = Generator[Step | Emit[T], Reply, None]


def send(step: Send) -> Steps[Response | NoResponse]:
    reply = yield step
    assert isinstance(reply, Response | NoResponse)  # noqa: S101 - the reply's type follows from the step
    return reply


def next_text() -> Steps[str | None]:
    """The stream's next piece of text, or None when it has ended or broken."""
    reply = yield NextText()
    return reply if isinstance(reply, str) else None


def for_each(emits: Emits[T], callback: Callable[[T], object]) -> Steps[None]:
    """Run a flow, and call `callback` with each value that it emits."""
    reply: Reply = None
    try:
        while True:
            step = emits.send(reply)
            if isinstance(step, Emit):
                callback(step.value)
                reply = None
            else:
                reply = yield step
    except StopIteration:
        return
    finally:
        emits.close()
