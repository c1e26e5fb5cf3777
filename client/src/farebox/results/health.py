"""Whether the gateway is there, and what is behind it."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Self

from farebox.calls import Answer
from farebox.results.base import Result


class Health(Result):
    """A gateway that answers and is ready, and its clock if it tells."""

    time: datetime | None

    @classmethod
    def of(cls, answer: Answer) -> Self:
        told = answer.headers.get("date")
        return cls(time=parsedate_to_datetime(told) if told else None)


class Part(Result):
    """A service behind the gateway; `detail` says what is wrong when it is not ready."""

    name: str
    ready: bool
    milliseconds: float
    detail: str | None


class SystemHealth(Result):
    """Every service, everybody's jobs that wait and run, and the workers: None when that cannot be told."""

    parts: list[Part]
    jobs_queued: int | None
    jobs_running: int | None
    workers: int | None = None

    @property
    def not_ready(self) -> list[str]:
        return [each.name for each in self.parts if not each.ready]
