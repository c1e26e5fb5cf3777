"""What concurrent requests need, sent together: what waits for a call goes with the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class Coalescer(Generic[Question, Reply]):
    """Never waits for company: a lone question leaves at once."""

    def __init__(
        self,
        send: Callable[[Sequence[Question]], Awaitable[Sequence[Reply]]],
        largest: int,
        lanes: int,
    ) -> None:
        self._send, self._largest, self._free_lanes = send, largest, lanes
        self._waiting: deque[tuple[Question, asyncio.Future[Reply]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Reply:
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, reply))
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
                await self._send_together([self._waiting.popleft() for _ in range(taken)])
        finally:
            self._free_lanes += 1

    async def _send_together(self, batch: list[tuple[Question, asyncio.Future[Reply]]]) -> None:
        try:
            replies = await self._send([question for question, _ in batch])
            for (_, waiting), reply in zip(batch, replies, strict=True):
                if not waiting.done():
                    waiting.set_result(reply)
        except Exception as error:
            # Whatever it was, it happened to everyone in the batch, and each must hear of it.
            for _, waiting in batch:
                if not waiting.done():
                    waiting.set_exception(error)
        finally:
            # Whoever still waits was cut off by the end of the process.
            for _, waiting in batch:
                waiting.cancel()
