"""Simulated network between ml-service and billing-service: it loses, delays and reorders calls and answers.

It repeats none by itself, as TCP: the sender repeats a call that is lost or late, and both may arrive.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.simulation.billing_server import BillingServer
from tests.support.simulation.processes import STEP_SECONDS, Process

FAULTS = ("refused", "request lost", "answer lost", "reset", "slow", "slow answer", "unavailable")
# Longer than the client waits, so that later calls overtake a slow one, and at worst longer than a lease.
SLOW_SECONDS = 45.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    async def read(self) -> bytes:
        return self.body


class SimulatedClient:
    """In place of aiohttp's session: the one method that HttpBilling calls."""

    def __init__(self, process: Process, server: BillingServer) -> None:
        self._process, self._server, self._world = process, server, process.world

    @contextlib.asynccontextmanager
    async def request(
        self,
        _method: str,
        _url: str,
        *,
        data: bytes | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as aiohttp has it
        **_headers: Any,  # Any: aiohttp's own arguments
    ) -> AsyncGenerator[Answer]:
        await self._process.pause()
        fault = self._world.fault(*FAULTS)
        if fault:
            self._world.log(f"  {self._process.name}'s call: {fault}")
        if fault == "refused" or not self._server.is_up:
            raise aiohttp.ConnectionTimeoutError
        call = Call(self._server, data, fault)
        answer = call.start()
        try:
            async with asyncio.timeout(timeout.total):
                received = await answer
        finally:
            call.has_left = True
            await self._process.live()
        yield received


@dataclass
class Call:
    """A call on its way; it goes on after its caller has left."""

    server: BillingServer
    body: bytes | None
    fault: str
    has_left: bool = False

    def start(self) -> "asyncio.Future[Answer]":
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        world = self.server.world
        if self.fault != "request lost":
            world.run(self._deliver(answer))
        if self.fault == "reset":
            delay = world.random.random() * 4 * STEP_SECONDS
            asyncio.get_running_loop().call_later(delay, _fail, answer, aiohttp.ServerDisconnectedError())
        return answer

    async def _deliver(self, answer: "asyncio.Future[Answer]") -> None:
        world = self.server.world
        await world.sleep(SLOW_SECONDS * world.random.random() if self.fault == "slow" else STEP_SECONDS)
        # A server behind a proxy or a cut network does not see that its caller has left.
        sees_caller = world.random.random() < 0.5
        try:
            body = await self.server.answer(self.body, lambda: sees_caller and self.has_left)
        except aiohttp.ServerDisconnectedError as error:
            _fail(answer, error)
            return
        await world.sleep(SLOW_SECONDS if self.fault == "slow answer" else STEP_SECONDS)
        if not answer.done() and self.fault != "answer lost":
            answer.set_result(Answer(503 if self.fault == "unavailable" else 200, body))


def _fail(answer: "asyncio.Future[Answer]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
