"""Readiness of the gateway and of the services behind it."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Self

from farebox.calls import Response
from farebox.results.base import Result


class Health(Result):
    """A gateway that is ready, and the time by its clock if it sends one."""

    time: datetime | None

    @classmethod
    def of(cls, response: Response) -> Self:
        date = response.headers.get("date")
        return cls(time=parsedate_to_datetime(date) if date else None)


class ServiceHealth(Result):
    """A service behind the gateway; `detail` gives the fault when it is not ready."""

    name: str
    ready: bool
    milliseconds: float
    detail: str | None


class SystemHealth(Result):
    """Every service, all queued and running jobs, and the workers; None where the number is unknown."""

    parts: list[ServiceHealth]
    jobs_queued: int | None
    jobs_running: int | None
    workers: int | None = None

    @property
    def not_ready(self) -> list[str]:
        return [each.name for each in self.parts if not each.ready]
