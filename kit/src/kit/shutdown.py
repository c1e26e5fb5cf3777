"""Graceful shutdown: finish in-flight requests, close event streams at once."""

import asyncio
import socket

import uvicorn
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class GracefulServer(uvicorn.Server):
    """Sets `stopping` before it waits for requests in flight."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)


class EventStreamCloser:
    """Middleware that ends Server-Sent Events at shutdown; clients resume on another replica."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self.app, self._stopping = app, stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ending: asyncio.Task[None] | None = None
        serving = asyncio.current_task()

        async def send_and_watch(message: Message) -> None:
            nonlocal ending
            if message["type"] == "http.response.start" and serving is not None and _is_stream(message):
                ending = asyncio.create_task(self._end(serving))
            await send(message)

        try:
            await self.app(scope, receive, send_and_watch)
        except asyncio.CancelledError:
            if ending is None or not ending.done() or serving is None:
                raise
            serving.uncancel()
            await send({"type": "http.response.body", "body": b""})
        finally:
            if ending is not None:
                ending.cancel()

    async def _end(self, serving: "asyncio.Task[None]") -> None:
        await self._stopping.wait()
        serving.cancel()


def _is_stream(head: Message) -> bool:
    return Headers(raw=head["headers"]).get("content-type", "").startswith("text/event-stream")
