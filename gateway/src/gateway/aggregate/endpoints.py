"""Routes that combine several services: export, limits, health and diagnosis."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.admission.rate_limiter import describe_policies
from gateway.aggregate.diagnosis import InstallationDiagnosis, ServiceFindings
from gateway.aggregate.health import Health, Load, ServiceHealth
from gateway.aggregate.service import Export, Upstreams
from gateway.errors import UpstreamDown
from gateway.settings import GatewaySettings
from kit.authentication import Administrator, current_caller
from kit.errors import Forbidden, Unauthenticated
from kit.findings import Status, worst
from kit.identity import Caller
from kit.problems import documented

router = APIRouter(prefix="/v1")


async def _upstreams(request: Request) -> Upstreams:
    return request.app.state.container.upstreams


async def _health(request: Request) -> Health:
    return request.app.state.container.health


async def _diagnosis(request: Request) -> InstallationDiagnosis:
    return request.app.state.container.diagnosis


async def _settings(request: Request) -> GatewaySettings:
    return request.app.state.container.settings


UpstreamServices = Annotated[Upstreams, Depends(_upstreams)]
SystemHealth = Annotated[Health, Depends(_health)]
SystemDiagnosis = Annotated[InstallationDiagnosis, Depends(_diagnosis)]
Settings = Annotated[GatewaySettings, Depends(_settings)]


class ServiceHealthView(BaseModel):
    """Readiness of a service, its response time, and the fault if it is not ready."""

    name: str
    ready: bool
    milliseconds: float
    detail: str | None

    @classmethod
    def of(cls, service: ServiceHealth) -> "ServiceHealthView":
        return cls(
            name=service.name,
            ready=service.ready,
            milliseconds=service.milliseconds,
            detail=service.detail,
        )


class HealthView(BaseModel):
    """The services behind the gateway, and the numbers of all queued jobs, running jobs and workers.

    An unknown number is null.
    """

    parts: list[ServiceHealthView]
    jobs_queued: int | None
    jobs_running: int | None
    workers: int | None

    @classmethod
    def of(cls, services: Sequence[ServiceHealth], load: Load) -> "HealthView":
        return cls(
            parts=[ServiceHealthView.of(service) for service in services],
            jobs_queued=load.queued,
            jobs_running=load.running,
            workers=load.workers,
        )


class FindingView(BaseModel):
    """The result of one check of a service; `advice` is the next step unless the status is ok."""

    service: str
    check: str
    status: Status
    detail: str
    advice: str | None


class DiagnosisView(BaseModel):
    """The findings of all services, and the worst of their statuses."""

    status: Status
    findings: list[FindingView]

    @classmethod
    def of(cls, services: Sequence[ServiceFindings]) -> "DiagnosisView":
        findings = [
            FindingView(service=service.name, **finding.model_dump())
            for service in services
            for finding in service.findings
        ]
        return cls(status=worst([finding.status for finding in findings]), findings=findings)


class ExportResponse(StreamingResponse):
    """Closes the services' responses whatever happens to the client."""

    def __init__(self, export: Export) -> None:
        super().__init__(export.chunks(), export.status, media_type=export.media_type)
        self._export = export

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._export.close()


@router.get("/me/export", responses=documented(UpstreamDown), tags=["users"])
async def export_account(
    request: Request, upstreams: UpstreamServices, _caller: Annotated[Caller, Depends(current_caller)]
) -> Response:
    """All data that Farebox stores about the caller, in one document: `auth`, `billing` and `ml`."""
    return ExportResponse(await upstreams.export(request.headers["authorization"]))


@router.get("/limits", responses=documented(UpstreamDown), tags=["limits"])
async def show_limits(
    upstreams: UpstreamServices, settings: Settings
) -> dict[str, Any]:  # Any: ml-service's table
    """Limits: sizes, rows, names, seconds, requests at once, and request rates by class."""
    return {
        **await upstreams.limits(),
        "rates": describe_policies(settings.policies),
        "requests": {
            "in_flight": settings.max_requests_in_flight,
            "open_streams": settings.max_open_streams,
            "body_seconds": settings.body_seconds,
            "body_bytes_per_second": settings.body_bytes_per_second,
        },
    }


@router.get("/health", responses=documented(Unauthenticated, Forbidden), tags=["admin"])
async def show_health(_caller: Administrator, health: SystemHealth) -> HealthView:
    """Readiness of each service, queued and running jobs, and the number of workers.

    The status is 200 even when a service is not ready.
    """
    return HealthView.of(*await asyncio.gather(health.services(), health.load()))


@router.get("/diagnosis", responses=documented(Unauthenticated, Forbidden), tags=["admin"])
async def diagnose(_caller: Administrator, diagnosis: SystemDiagnosis) -> DiagnosisView:
    """Check the installation: each service's keys, clock, migrations, disk, files, books and addresses.

    The status is 200 whatever is found; a service that does not answer is a failed finding.
    """
    return DiagnosisView.of(await diagnosis.run())
