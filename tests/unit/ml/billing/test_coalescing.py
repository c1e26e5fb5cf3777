"""Concurrent questions in few calls."""

import asyncio
from collections.abc import Sequence

import pytest

from ml_service.billing.coalescing import Coalescer


class Slow:
    """Answers each question with its square, once it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()

    async def send(self, questions: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(questions))
        await self.go.wait()
        return [each * each for each in questions]


async def test_what_waits_for_a_call_goes_together_with_the_next() -> None:
    slow = Slow()
    coalescer = Coalescer[int, int](slow.send, largest=100, lanes=1)
    first = asyncio.create_task(coalescer.ask(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(coalescer.ask(each)) for each in (2, 3, 4)]
    await asyncio.sleep(0)
    slow.go.set()
    assert await asyncio.gather(first, *rest) == [1, 4, 9, 16]
    assert slow.batches == [[1], [2, 3, 4]]


async def test_a_batch_is_no_larger_than_allowed() -> None:
    slow = Slow()
    slow.go.set()
    coalescer = Coalescer[int, int](slow.send, largest=2, lanes=1)
    assert await asyncio.gather(*(coalescer.ask(each) for each in range(5))) == [0, 1, 4, 9, 16]
    assert slow.batches == [[0, 1], [2, 3], [4]]


async def test_everyone_in_a_failed_batch_hears_of_it_and_the_next_one_goes_on() -> None:
    class Away(Exception):
        pass

    failures = [Away()]

    async def send(questions: Sequence[int]) -> Sequence[int]:
        if failures:
            raise failures.pop()
        return questions

    coalescer = Coalescer[int, int](send, largest=10, lanes=1)
    answers = await asyncio.gather(coalescer.ask(1), coalescer.ask(2), return_exceptions=True)
    assert [type(each) for each in answers] == [Away, Away]
    assert await coalescer.ask(3) == 3


async def test_one_who_gives_up_does_not_disturb_the_others() -> None:
    slow = Slow()
    coalescer = Coalescer[int, int](slow.send, largest=10, lanes=1)
    leaving, staying = asyncio.create_task(coalescer.ask(1)), asyncio.create_task(coalescer.ask(2))
    await asyncio.sleep(0)
    leaving.cancel()
    slow.go.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await staying == 4


async def test_a_missing_reply_is_no_reply_to_wait_for() -> None:
    async def send(questions: Sequence[int]) -> Sequence[int]:
        return questions[:-1]

    coalescer = Coalescer[int, int](send, largest=10, lanes=1)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(coalescer.ask(1), coalescer.ask(2), return_exceptions=True)
    assert (answers[0], type(answers[1])) == (1, ValueError)


async def test_a_call_that_is_cut_off_leaves_nobody_waiting() -> None:
    async def send(_questions: Sequence[int]) -> Sequence[int]:
        raise asyncio.CancelledError

    coalescer = Coalescer[int, int](send, largest=10, lanes=1)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(coalescer.ask(1), coalescer.ask(2), return_exceptions=True)
    assert [type(each) for each in answers] == [asyncio.CancelledError] * 2
