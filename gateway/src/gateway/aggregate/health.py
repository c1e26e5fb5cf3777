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
    """Readiness of one service; `detail` says what is wrong when it is not ready."""

    name: str
    ready: bool
    milliseconds: float
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Queued and running jobs of all users, and the workers; None when unknown."""

    queued: int | None = None
    running: int | None = None
    workers: int | None = None


class Health:
    def __init__(self, client: httpx.AsyncClient, urls: Mapping[Upstream, str]) -> None:
        self._client, self._urls = client, urls

    async def services(self) -> list[ServiceHealth]:
        return await asyncio.gather(*(self._probe(upstream) for upstream in self._urls))

    async def load(self) -> Load:
        answer = await self._get(Upstream.ML, "/metrics")
        return parse_load(answer.text) if answer is not None and answer.is_success else Load()

    async def _probe(self, upstream: Upstream) -> ServiceHealth:
        started = time.monotonic()
        answer = await self._get(upstream, "/readyz")
        milliseconds = round((time.monotonic() - started) * 1000, 1)
        ready = answer is not None and answer.is_success
        return ServiceHealth(f"{upstream.value}-service", ready, milliseconds, _problem(answer))

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


def _problem(answer: httpx.Response | None) -> str | None:
    if answer is None:
        return "The service cannot be reached."
    return None if answer.is_success else "The service runs, but is not ready; its log has the reason."
