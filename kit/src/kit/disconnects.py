"""Disconnected clients: stop work whose answer nobody reads, which FastAPI does not."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import TypeVar

from starlette.types import Receive

from kit.errors import ClientLeft

Result = TypeVar("Result")

# Set by RequestContextMiddleware; empty outside of a request.
connection: ContextVar[Receive | None] = ContextVar("connection", default=None)


async def while_connected(work: Coroutine[None, None, Result]) -> Result:
    """The result of `work`, which is cancelled when the client of the current request disconnects.

    Raises ClientLeft then. The body of the request must have been read before. Two tasks take 30 us, so this
    is for costly work. Work that several requests share belongs into a task with a context of its own.
    """
    receive = connection.get()
    if receive is None:
        return await work
    working, watching = asyncio.create_task(work), asyncio.create_task(_wait_for_disconnect(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientLeft
    finally:
        watching.cancel()
        await _cancel(working)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(working: "asyncio.Task[Result]") -> None:
    """Cancel the work and wait for its end, so that it leaves nothing behind."""
    if not working.done():
        working.cancel()
        await asyncio.wait((working,))
    if not working.cancelled():
        # An error on the way out is not reported twice.
        working.exception()
