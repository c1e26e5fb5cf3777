"""Coalescing: concurrent requests share calls."""

import asyncio
from collections.abc import Sequence

import pytest

from ml_service.billing.http import FURTHER_CALL, Coalescer


class SlowServer:
    """Replies to each request with its square, once `go` is set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()

    async def send(self, requests: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(requests))
        await self.go.wait()
        return [request * request for request in requests]


async def test_requests_during_a_call_share_the_next_call() -> None:
    server = SlowServer()
    coalescer = Coalescer[int, int](server.send, largest=100, lanes=1)
    first = asyncio.create_task(coalescer.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(coalescer.submit(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    server.go.set()
    assert await asyncio.gather(first, *rest) == [1, 4, 9, 16]
    assert server.batches == [[1], [2, 3, 4]]


async def test_batch_is_no_larger_than_allowed() -> None:
    server = SlowServer()
    server.go.set()
    coalescer = Coalescer[int, int](server.send, largest=2, lanes=1)
    assert await asyncio.gather(*(coalescer.submit(number) for number in range(5))) == [0, 1, 4, 9, 16]
    assert server.batches == [[0, 1], [2, 3], [4]]


async def test_failed_call_fails_its_batch_and_not_the_next() -> None:
    class CallFailed(Exception):
        pass

    failures = [CallFailed()]

    async def send(requests: Sequence[int]) -> Sequence[int]:
        if failures:
            raise failures.pop()
        return requests

    coalescer = Coalescer[int, int](send, largest=10, lanes=1)
    replies = await asyncio.gather(coalescer.submit(1), coalescer.submit(2), return_exceptions=True)
    assert [type(reply) for reply in replies] == [CallFailed, CallFailed]
    assert await coalescer.submit(3) == 3


async def test_cancelled_request_does_not_disturb_the_others() -> None:
    server = SlowServer()
    coalescer = Coalescer[int, int](server.send, largest=10, lanes=1)
    cancelled, other = asyncio.create_task(coalescer.submit(1)), asyncio.create_task(coalescer.submit(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    server.go.set()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await other == 4


async def test_missing_reply_is_an_error() -> None:
    async def send(requests: Sequence[int]) -> Sequence[int]:
        return requests[:-1]

    coalescer = Coalescer[int, int](send, largest=10, lanes=1)
    async with asyncio.timeout(5):
        replies = await asyncio.gather(coalescer.submit(1), coalescer.submit(2), return_exceptions=True)
    assert (replies[0], type(replies[1])) == (1, ValueError)


async def test_cancelled_call_leaves_no_request_waiting() -> None:
    async def send(_requests: Sequence[int]) -> Sequence[int]:
        raise asyncio.CancelledError

    coalescer = Coalescer[int, int](send, largest=10, lanes=1)
    async with asyncio.timeout(5):
        replies = await asyncio.gather(coalescer.submit(1), coalescer.submit(2), return_exceptions=True)
    assert [type(reply) for reply in replies] == [asyncio.CancelledError] * 2


async def test_further_call_starts_once_enough_requests_wait() -> None:
    server = SlowServer()
    coalescer = Coalescer[int, int](server.send, largest=100, lanes=2)
    replies = [asyncio.create_task(coalescer.submit(0))]
    for wanted in (FURTHER_CALL - 1, 1, FURTHER_CALL):
        await _let_calls_start()
        replies += [asyncio.create_task(coalescer.submit(number)) for number in range(wanted)]
    await _let_calls_start()
    assert [len(batch) for batch in server.batches] == [1, FURTHER_CALL]
    server.go.set()
    assert len(await asyncio.gather(*replies)) == 1 + 2 * FURTHER_CALL
    assert [len(batch) for batch in server.batches] == [1, FURTHER_CALL, FURTHER_CALL]


async def _let_calls_start() -> None:
    for _ in range(3):
        await asyncio.sleep(0)
