"""Health of the system: readiness of each service, and the load that ml-service reports."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from gateway.routing import Upstream

PROBE_SECONDS = 5.0
JOBS, WORKERS = "farebox_jobs", "farebox_workers"


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """Readiness of one service; `detail` is the fault when it is not ready."""

    name: str
    ready: bool
    milliseconds: float
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Numbers of all users' queued and running jobs, and of workers; None when unknown."""

    queued: int | None = None
    running: int | None = None
    workers: int | None = None


class Health:
    def __init__(self, client: httpx.AsyncClient, urls: Mapping[Upstream, str]) -> None:
        self._client, self._urls = client, urls

    async def services(self) -> list[ServiceHealth]:
        return await asyncio.gather(*(self._probe(upstream) for upstream in self._urls))

    async def load(self) -> Load:
        response = await self._get(Upstream.ML, "/metrics")
        return parse_load(response.text) if response is not None and response.is_success else Load()

    async def _probe(self, upstream: Upstream) -> ServiceHealth:
        started = time.monotonic()
        response = await self._get(upstream, "/readyz")
        milliseconds = round((time.monotonic() - started) * 1000, 1)
        ready = response is not None and response.is_success
        return ServiceHealth(f"{upstream.value}-service", ready, milliseconds, _problem(response))

    async def _get(self, upstream: Upstream, path: str) -> httpx.Response | None:
        try:
            return await self._client.get(self._urls[upstream] + path, timeout=PROBE_SECONDS)
        except httpx.TransportError:
            return None


def parse_load(metrics: str) -> Load:
    """Read the load from ml-service's Prometheus metrics."""
    samples = {
        (family.name, sample.labels.get("state")): int(sample.value)
        for family in text_string_to_metric_families(metrics)
        if family.name in (JOBS, WORKERS)
        for sample in family.samples
    }
    return Load(samples.get((JOBS, "queued")), samples.get((JOBS, "running")), samples.get((WORKERS, None)))


def _problem(response: httpx.Response | None) -> str | None:
    if response is None:
        return "The service cannot be reached."
    return None if response.is_success else "The service runs, but is not ready; its log has the reason."
