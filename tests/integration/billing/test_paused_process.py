"""A process that is paused with a request in its socket, whose caller gives up meanwhile."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import orjson
from tests.support.billing import Billing, charge, hold
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from local.ports import free_port

USER = 7
START_SECONDS = 30
TWO_CALLS = 'farebox_requests_total{method="POST",route="/internal/operations",status="200"} 2.0'


@asynccontextmanager
async def billing_process(database: Database) -> AsyncGenerator[tuple[asyncio.subprocess.Process, int]]:
    """A process of its own, and its port. Service tokens need no auth-service."""
    port = free_port()
    values = {"jwt_secret": JWT_SECRET, "port": port, "log_level": "ERROR", **database.settings("billing")}
    environment = os.environ | {name.upper(): str(value) for name, value in values.items()}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "billing_service", env=environment)
    try:
        await _until_answered(port, "/livez", "ok")
        yield process, port
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        await process.wait()


async def test_charges_of_a_caller_who_has_left_move_nothing_and_settlements_count(
    billing: Billing, database: Database
) -> None:
    await billing.register(USER)
    await billing.hold(USER, "held")
    async with billing_process(database) as (process, port):
        process.send_signal(signal.SIGSTOP)
        settle = {"operation": "settle", "hold": "held"}
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_raw_call(billing, charge(USER), hold(USER), settle))
        writer.close()
        await writer.wait_closed()
        process.send_signal(signal.SIGCONT)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            body = {"operations": [charge(USER, "later")]}
            later = await http.post("/internal/operations", json=body, headers=billing.service_headers)
        assert later.json()["results"][0]["status"] == 200
        await _until_answered(port, "/metrics", TWO_CALLS)
    assert await billing.wallet(USER) == {"tokens": 5, "held": 0, "available": 5}


def _raw_call(billing: Billing, *operations: dict[str, object]) -> bytes:
    body = orjson.dumps({"operations": operations})
    headers = {**billing.service_headers, "Host": "billing", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /internal/operations HTTP/1.1\r\n{head}\r\n".encode() + body


async def _until_answered(port: int, path: str, text: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        while True:
            try:
                answer = (await http.get(path)).text
            except httpx.TransportError:
                answer = ""
            if text in answer:
                return
            assert time.monotonic() < deadline, answer
            await asyncio.sleep(0.05)
