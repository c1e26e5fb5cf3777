"""Watch of requests: one timer for all, and none for requests that end before it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message

from gateway.admission.body import IncomingBody, Pace
from gateway.forwarding.disconnect import WATCH_SECONDS, DisconnectWatcher, Watch


async def receive_disconnect() -> Message:
    return {"type": "http.disconnect"}


def watched(watch: Watch) -> DisconnectWatcher:
    return DisconnectWatcher(watch, receive_disconnect, IncomingBody(receive_disconnect, {}, 1, Pace()))


async def test_requests_share_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    delays: list[float] = []
    call_later = loop.call_later

    def record(delay: float, callback: Callable[..., object], *arguments: Any) -> asyncio.TimerHandle:
        delays.append(delay)
        return call_later(delay, callback, *arguments)

    monkeypatch.setattr(loop, "call_later", record)
    watch = Watch()
    for _ in range(10):
        with watched(watch):
            pass
    assert delays == [WATCH_SECONDS]


async def test_request_of_a_client_that_left_is_cancelled() -> None:
    async with asyncio.timeout(WATCH_SECONDS * 50):
        with watched(Watch()):
            await asyncio.Event().wait()


async def test_watch_goes_on_after_a_time_without_requests() -> None:
    watch = Watch()
    with watched(watch):
        pass
    await asyncio.sleep(WATCH_SECONDS * 2.5)
    async with asyncio.timeout(WATCH_SECONDS * 50):
        with watched(watch):
            await asyncio.Event().wait()
