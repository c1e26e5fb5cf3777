"""Closed-loop load: a fixed number of connections send requests for a fixed time.

wrk sends them where it is installed. The generator in Python is the bottleneck of most routes.
"""

import asyncio
import json
import math
import os
import random
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import uuid4

import aiohttp

WRK = shutil.which("wrk")
GENERATOR = "wrk" if WRK else "the generator in Python, since wrk is not installed: rates are too low"
NUMBER = re.compile(r"\$NUMBER")
SCRIPT = Path(__file__).with_name("load.lua")
# Limit of one request, and of the wait for answers after the last request.
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `$KEY` in headers and body becomes a new key, `$NUMBER` in URL and body a random number."""

    method: str
    url: str
    headers: dict[str, str]
    body: str = ""
    numbers: range = range(1)

    @property
    def varies(self) -> bool:
        return any("$" in text for text in (self.url, self.body, *self.headers.values()))

    def fill(self, key: str) -> "Request":
        headers = {name: value.replace("$KEY", key) for name, value in self.headers.items()}
        body = NUMBER.sub(self._number, self.body.replace("$KEY", key))
        return Request(self.method, NUMBER.sub(self._number, self.url), headers, body)

    def _number(self, _match: re.Match[str]) -> str:
        return str(random.choice(self.numbers))  # noqa: S311 - no secret


class LoadFailed(Exception):
    """A request failed, so the figures would be meaningless."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Number of answers, time from the first request to the last answer, and latencies, in seconds."""

    answers: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def drive(request: Request, connections: int, seconds: float) -> Outcome:
    """Raises LoadFailed for any answer that is not 2xx and any broken connection."""
    if WRK is not None:
        return _drive_with_wrk(WRK, request, connections, seconds)
    try:
        return asyncio.run(_drive_in_python(request, connections, seconds))
    except aiohttp.ClientError as error:
        raise LoadFailed(f"{request.method} {request.url}: {error}") from error


def _drive_with_wrk(wrk: str, request: Request, connections: int, seconds: float) -> Outcome:
    duration = f"-d{math.ceil(seconds) + TIMEOUT_SECONDS}s"
    options = ["-t1", f"-c{connections}", duration, "--timeout", f"{TIMEOUT_SECONDS}s", "-s", str(SCRIPT)]
    environment = {
        "BENCH_METHOD": request.method,
        "BENCH_HEADERS": "\n".join(f"{name}: {value}" for name, value in request.headers.items()),
        "BENCH_BODY": request.body,
        "BENCH_VARIES": str(int(request.varies)),
        "BENCH_PREFIX": uuid4().hex,
        "BENCH_FIRST": str(request.numbers[0]),
        "BENCH_LAST": str(request.numbers[-1]),
        "BENCH_CONNECTIONS": str(connections),
        "BENCH_SECONDS": str(seconds),
    }
    command = [wrk, *options, request.url]
    completed = subprocess.run(  # noqa: S603 - the program that was found at start
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if completed.returncode != 0:
        raise LoadFailed(f"wrk: {completed.stdout}{completed.stderr}")
    return read_outcome(completed.stdout, request)


def read_outcome(output: str, request: Request) -> Outcome:
    """The outcome from wrk's output, whose last line the script writes."""
    figures = json.loads(output.splitlines()[-1])
    # Without its time some requests were never answered.
    if figures["refused"] or figures["broken"] or not figures["seconds"]:
        raise LoadFailed(f"{request.method} {request.url}: {figures}")
    return Outcome(figures["answers"], figures["seconds"], figures["p50"], figures["p99"])


async def _drive_in_python(request: Request, connections: int, seconds: float) -> Outcome:
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=seconds + TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        started = time.perf_counter()
        keys = _keys_until(started + seconds)
        senders = (_send_in_turn(session, request, keys) for _ in range(connections))
        latencies = sorted(latency for own in await asyncio.gather(*senders) for latency in own)
        elapsed = time.perf_counter() - started
    p99 = latencies[int(len(latencies) * 0.99)]
    return Outcome(len(latencies), elapsed, statistics.median(latencies), p99)


def _keys_until(end: float) -> Iterator[str]:
    prefix = uuid4().hex
    for number in count():
        if time.perf_counter() >= end:
            return
        yield f"{prefix}{number}"


async def _send_in_turn(session: aiohttp.ClientSession, request: Request, keys: Iterator[str]) -> list[float]:
    latencies: list[float] = []
    for key in keys:
        sent = request.fill(key)
        started = time.perf_counter()
        async with session.request(sent.method, sent.url, headers=sent.headers, data=sent.body) as response:
            answer = await response.read()
        if not response.ok:
            raise LoadFailed(f"{sent.method} {sent.url}: {response.status} {answer[:300]!r}")
        latencies.append(time.perf_counter() - started)
    return latencies
