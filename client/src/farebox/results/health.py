"""Readiness of the gateway and of the services behind it."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Self

from farebox.calls import Response
from farebox.results.base import Result


class Health(Result):
    """A ready gateway; `time` is its clock's, if it sends one."""

    time: datetime | None

    @classmethod
    def of(cls, response: Response) -> Self:
        date = response.headers.get("date")
        return cls(time=parsedate_to_datetime(date) if date else None)


class ServiceHealth(Result):
    """A service behind the gateway; `detail` is the fault when it is not ready."""

    name: str
    ready: bool
    milliseconds: float
    detail: str | None


class SystemHealth(Result):
    """Every service, and the numbers of queued jobs, running jobs and workers; None when unknown."""

    parts: list[ServiceHealth]
    jobs_queued: int | None
    jobs_running: int | None
    workers: int | None = None

    @property
    def not_ready(self) -> list[str]:
        return [service.name for service in self.parts if not service.ready]
