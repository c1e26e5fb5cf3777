"""Readiness of the gateway and of the services behind it, and findings about the installation."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal, Self

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


class ServiceFinding(Result):
    """The result of one check of a service; `advice` is the next step unless the status is ok."""

    service: str
    check: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    advice: str | None = None


class Diagnosis(Result):
    """The findings of all services, and the worst of their statuses."""

    status: Literal["ok", "warning", "failed"]
    findings: list[ServiceFinding]

    @property
    def failures(self) -> list[ServiceFinding]:
        return [finding for finding in self.findings if finding.status == "failed"]
