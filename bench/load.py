"""Closed-loop load: a fixed number of connections send requests for a fixed time."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import aiohttp

GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Request:
    """`expect` must occur in the response, for routes whose status does not prove success."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None
    expect: bytes = b""


class LoadFailed(Exception):
    """A request failed, so the figures would be meaningless."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Sorted latencies and the total time, in seconds."""

    latencies: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def p50(self) -> float:
        return statistics.median(self.latencies)

    @property
    def p99(self) -> float:
        return self.latencies[int(len(self.latencies) * 0.99)]


async def drive(create_request: Callable[[int], Request], connections: int, seconds: float) -> Outcome:
    """Send `create_request(0)`, `create_request(1)`, ...; raises LoadFailed when a request fails."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=seconds + GRACE_SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        started = time.perf_counter()
        requests = _until(started + seconds, create_request)
        per_connection = await asyncio.gather(*(_send_in_turn(session, requests) for _ in range(connections)))
        elapsed = time.perf_counter() - started
    return Outcome(sorted(latency for latencies in per_connection for latency in latencies), elapsed)


def _until(end: float, create_request: Callable[[int], Request]) -> Iterator[Request]:
    for number in count():
        if time.perf_counter() >= end:
            return
        yield create_request(number)


async def _send_in_turn(session: aiohttp.ClientSession, requests: Iterator[Request]) -> list[float]:
    latencies: list[float] = []
    for request in requests:
        started = time.perf_counter()
        async with session.request(
            request.method, request.url, headers=request.headers, data=request.body
        ) as response:
            body = await response.read()
        if response.status >= 400 or request.expect not in body:
            raise LoadFailed(f"{request.method} {request.url}: {response.status} {body[:300]!r}")
        latencies.append(time.perf_counter() - started)
    return latencies
