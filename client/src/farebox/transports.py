"""The two ways to perform steps: blocking and awaiting. Nothing is decided here."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from http import HTTPStatus
from typing import TypeVar

import httpx

from farebox.calls import Answer, Lost
from farebox.errors import AnswerLost, Unreachable
from farebox.saving import written_whole
from farebox.steps import Emit, Emits, NextLine, Pause, Reply, Send, Step, Steps

T = TypeVar("T")

# Trouble that comes before the first byte has left.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
CONNECT_SECONDS = 5.0


class Blocking:
    """Performs steps with a blocking client."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def run(self, steps: Steps[T]) -> T:
        with _BlockingStage(self._client, steps) as stage:
            reply: Reply = None
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as end:
                    return end.value
                reply = stage.perform(step)

    def iterate(self, emits: Emits[T]) -> Iterator[T]:
        with _BlockingStage(self._client, emits) as stage:
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
                    reply = stage.perform(step)


class Awaiting:
    """Performs steps with an asynchronous client."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def run(self, steps: Steps[T]) -> T:
        async with _AwaitingStage(self._client, steps) as stage:
            reply: Reply = None
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as end:
                    return end.value
                reply = await stage.perform(step)

    async def iterate(self, emits: Emits[T]) -> AsyncIterator[T]:
        async with _AwaitingStage(self._client, emits) as stage:
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
                    reply = await stage.perform(step)


class _BlockingStage(ExitStack):
    """What one flow has open, closed at its end, however it ends: a flow that is cut off may hold a lock."""

    def __init__(self, client: httpx.Client, flow: Steps[T] | Emits[T]) -> None:
        super().__init__()
        self._client = client
        self.callback(flow.close)
        self._lines: Iterator[str] = iter(())

    def perform(self, step: Step) -> Reply:
        try:
            match step:
                case Send():
                    return self._send(step)
                case NextLine():
                    return next(self._lines, None)
                case Pause(seconds):
                    time.sleep(seconds)
                    return None
        except httpx.TransportError as error:
            return _lost(error)

    def _send(self, step: Send) -> Answer:
        with ExitStack() as files:
            response = self._client.send(_request(self._client, step, files), stream=step.keeps_open)
        if step.keeps_open:
            self.callback(response.close)
        if step.stream:
            self._lines = response.iter_lines()
        if step.keeps_open and response.status_code != HTTPStatus.OK:
            response.read()
        elif step.call.save_to is not None:
            with written_whole(step.call.save_to) as file:
                for piece in response.iter_bytes():
                    file.write(piece)
        return _answer(response)


class _AwaitingStage(AsyncExitStack):
    """What one flow has open, closed at its end, however it ends: a flow that is cut off may hold a lock."""

    def __init__(self, client: httpx.AsyncClient, flow: Steps[T] | Emits[T]) -> None:
        super().__init__()
        self._client = client
        self.callback(flow.close)
        self._lines: AsyncIterator[str] = _no_lines()

    async def perform(self, step: Step) -> Reply:
        try:
            match step:
                case Send():
                    return await self._send(step)
                case NextLine():
                    return await anext(self._lines, None)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                    return None
        except httpx.TransportError as error:
            return _lost(error)

    async def _send(self, step: Send) -> Answer:
        with ExitStack() as files:
            response = await self._client.send(_request(self._client, step, files), stream=step.keeps_open)
        if step.keeps_open:
            self.push_async_callback(response.aclose)
        if step.stream:
            self._lines = response.aiter_lines()
        if step.keeps_open and response.status_code != HTTPStatus.OK:
            await response.aread()
        elif step.call.save_to is not None:
            with written_whole(step.call.save_to) as file:
                async for piece in response.aiter_bytes():
                    file.write(piece)
        return _answer(response)


async def _no_lines() -> AsyncIterator[str]:
    return
    yield


def _request(client: httpx.Client | httpx.AsyncClient, step: Send, files: ExitStack) -> httpx.Request:
    call = step.call
    return client.build_request(
        call.method,
        call.path,
        params={name: each for name, each in call.params.items() if each is not None},
        json=call.json,
        data=dict(call.form) or None,
        files={
            name: (each.filename, files.enter_context(each.open()), each.media_type)
            for name, each in call.files.items()
        }
        or None,
        headers={**call.headers, **step.headers},
        timeout=httpx.Timeout(call.seconds, connect=CONNECT_SECONDS),
    )


def _answer(response: httpx.Response) -> Answer:
    try:
        body = response.content
    except httpx.ResponseNotRead:
        body = b""
    return Answer(response.status_code, response.headers, body)


def _lost(error: httpx.TransportError) -> Lost:
    if isinstance(error, NEVER_SENT):
        return Lost(
            Unreachable("Nothing answers at this address; check that Farebox runs there, and FAREBOX_URL."),
            sent=False,
        )
    return Lost(
        AnswerLost("The connection broke before the answer came; look whether it had its effect."), sent=True
    )
