"""The steps that the core asks a shell to take. A flow is a generator that yields steps and gets replies.

Everything the client decides (credentials, retries, waiting, paging, resuming a stream) is written once as
flows without input or output; a shell only performs their steps, blocking or awaiting.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from farebox.calls import Answer, Call, Lost

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request and read its answer; of a stream that opens, only the head. Reply: Answer or Lost."""

    call: Call[Any]  # Any: the shell does not read the answer
    headers: Mapping[str, str]
    stream: bool = False

    @property
    def keeps_open(self) -> bool:
        """Whether the answer's body is taken piece by piece."""
        return self.stream or self.call.save_to is not None


@dataclass(frozen=True, slots=True)
class NextLine:
    """Read a line of the stream. Reply: str, None at its end, or Lost."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let this many seconds pass. Reply: None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Hand this to whoever iterates. Reply: None."""

    value: T


Step: TypeAlias = Send | NextLine | Pause
Reply: TypeAlias = Answer | Lost | str | None
Steps: TypeAlias = Generator[Step, Reply, T]
Emits: TypeAlias = Generator[Step | Emit[T], Reply, None]


def send(step: Send) -> Steps[Answer | Lost]:
    reply = yield step
    assert isinstance(reply, Answer | Lost)  # noqa: S101 - the reply's type follows from the step
    return reply


def next_line() -> Steps[str | None]:
    """The next line, or None when the stream has ended or broken."""
    reply = yield NextLine()
    return reply if isinstance(reply, str) else None


def hand_over(emits: Emits[T], hear: Callable[[T], object]) -> Steps[None]:
    """Run a flow that emits, handing each thing to `hear`."""
    reply: Reply = None
    try:
        while True:
            step = emits.send(reply)
            if isinstance(step, Emit):
                hear(step.value)
                reply = None
            else:
                reply = yield step
    except StopIteration:
        return
    finally:
        emits.close()
