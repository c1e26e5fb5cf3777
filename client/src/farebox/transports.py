"""Transports, blocking and asynchronous: they perform steps and decide nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, TypeVar

import httpx

from farebox.calls import NoResponse, Response
from farebox.errors import ResponseLost, Unreachable
from farebox.steps import Emit, Emits, NextText, Reply, Send, Sleep, Step, Steps

T = TypeVar("T")

# Failures before the first byte is sent.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
CONNECT_SECONDS = 5.0


class SyncTransport:
    """Perform steps with a blocking client."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def run(self, steps: Steps[T]) -> T:
        with _SyncPerformer(self._client, steps) as performer:
            reply: Reply = None
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as end:
                    return end.value
                reply = performer.perform(step)

    def iterate(self, emits: Emits[T]) -> Iterator[T]:
        with _SyncPerformer(self._client, emits) as performer:
            reply: Reply = None
            while True:
                try:
                    step = emits.send(reply)
                except StopIteration:
                    return
                if isinstance(step, Emit):
                    yield step.value
                    reply = None
                else:
                    reply = performer.perform(step)


class AsyncTransport:
    """Perform steps with an asynchronous client."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def run(self, steps: Steps[T]) -> T:
        async with _AsyncPerformer(self._client, steps) as performer:
            reply: Reply = None
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as end:
                    return end.value
                reply = await performer.perform(step)

    async def iterate(self, emits: Emits[T]) -> AsyncIterator[T]:
        async with _AsyncPerformer(self._client, emits) as performer:
            reply: Reply = None
            while True:
                try:
                    step = emits.send(reply)
                except StopIteration:
                    return
                if isinstance(step, Emit):
                    yield step.value
                    reply = None
                else:
                    reply = await performer.perform(step)


class _SyncPerformer(ExitStack):
    """A flow and its open files and responses; all close on every exit, since a flow may own a lock."""

    def __init__(self, client: httpx.Client, flow: Steps[T] | Emits[T]) -> None:
        super().__init__()
        self._client = client
        self.callback(flow.close)
        self._texts: Iterator[str] = iter(())

    def perform(self, step: Step) -> Reply:
        try:
            match step:
                case Send():
                    return self._send(step)
                case NextText():
                    return next(self._texts, None)
                case Sleep(seconds):
                    time.sleep(seconds)
                    return None
        except httpx.TransportError as error:
            return _no_response(error)

    def _send(self, step: Send) -> Response:
        with ExitStack() as files:
            response = self._client.send(_request(self._client, step, files), stream=step.keeps_open)
        if step.keeps_open:
            self.callback(response.close)
        if step.stream:
            self._texts = response.iter_text()
        if step.keeps_open and response.status_code != HTTPStatus.OK:
            response.read()
        elif step.call.save_to is not None:
            with atomic_file(step.call.save_to) as file:
                for piece in response.iter_bytes():
                    file.write(piece)
        return _response_of(response)


class _AsyncPerformer(AsyncExitStack):
    """A flow and its open files and responses; all close on every exit, since a flow may own a lock."""

    def __init__(self, client: httpx.AsyncClient, flow: Steps[T] | Emits[T]) -> None:
        super().__init__()
        self._client = client
        self.callback(flow.close)
        self._texts: AsyncIterator[str] = _no_texts()

    async def perform(self, step: Step) -> Reply:
        try:
            match step:
                case Send():
                    return await self._send(step)
                case NextText():
                    return await anext(self._texts, None)
                case Sleep(seconds):
                    await asyncio.sleep(seconds)
                    return None
        except httpx.TransportError as error:
            return _no_response(error)

    async def _send(self, step: Send) -> Response:
        with ExitStack() as files:
            response = await self._client.send(_request(self._client, step, files), stream=step.keeps_open)
        if step.keeps_open:
            self.push_async_callback(response.aclose)
        if step.stream:
            self._texts = response.aiter_text()
        if step.keeps_open and response.status_code != HTTPStatus.OK:
            await response.aread()
        elif step.call.save_to is not None:
            with atomic_file(step.call.save_to) as file:
                async for piece in response.aiter_bytes():
                    file.write(piece)
        return _response_of(response)


@contextmanager
def atomic_file(path: Path) -> Generator[BinaryIO]:
    """A file that appears at its path only when it is complete."""
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


async def _no_texts() -> AsyncIterator[str]:
    return
    yield


def _request(client: httpx.Client | httpx.AsyncClient, step: Send, files: ExitStack) -> httpx.Request:
    call = step.call
    return client.build_request(
        call.method,
        call.path,
        params={name: value for name, value in call.params.items() if value is not None},
        json=call.json,
        content=call.content,
        data=call.fields or None,
        files={
            name: (upload.filename, files.enter_context(upload.open()), upload.media_type)
            for name, upload in call.files.items()
        }
        or None,
        headers={**call.headers, **step.headers},
        timeout=httpx.Timeout(call.seconds, connect=CONNECT_SECONDS),
    )


def _response_of(response: httpx.Response) -> Response:
    try:
        body = response.content
    except httpx.ResponseNotRead:
        body = b""
    return Response(response.status_code, response.headers, body)


def _no_response(error: httpx.TransportError) -> NoResponse:
    if isinstance(error, NEVER_SENT):
        reason = "Nothing responds at this address; check that Farebox is running, and check FAREBOX_URL."
        return NoResponse(Unreachable(reason), sent=False)
    reason = "The connection broke before the response arrived; check whether the request took effect."
    return NoResponse(ResponseLost(reason), sent=True)
