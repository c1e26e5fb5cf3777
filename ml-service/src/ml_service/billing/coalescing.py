"""Coalescing: the next call sends all requests that arrive during the current one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class Coalescer(Generic[Request, Reply]):
    """Sends requests in batches without a delay: a single request is sent at once.

    At most `lanes` calls run at a time, each with at most `largest` requests.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Request]], Awaitable[Sequence[Reply]]],
        largest: int,
        lanes: int,
    ) -> None:
        self._send, self._largest, self._free_lanes = send, largest, lanes
        self._waiting: deque[tuple[Request, asyncio.Future[Reply]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, request: Request) -> Reply:
        """The reply to this request; raises the error of the call that sent it."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, reply))
        if self._free_lanes > 0:
            self._free_lanes -= 1
            task = asyncio.create_task(self._drain())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await reply

    async def _drain(self) -> None:
        try:
            while self._waiting:
                taken = min(len(self._waiting), self._largest)
                await self._send_batch([self._waiting.popleft() for _ in range(taken)])
        finally:
            self._free_lanes += 1

    async def _send_batch(self, batch: list[tuple[Request, asyncio.Future[Reply]]]) -> None:
        try:
            replies = await self._send([request for request, _ in batch])
            for (_, waiting), reply in zip(batch, replies, strict=True):
                if not waiting.done():
                    waiting.set_result(reply)
        except Exception as error:
            # A failure concerns every request of the batch.
            for _, waiting in batch:
                if not waiting.done():
                    waiting.set_exception(error)
        finally:
            # A cancelled call leaves requests without a reply.
            for _, waiting in batch:
                waiting.cancel()
