"""Loops beside the requests."""

import asyncio

from kit.background import running


async def test_a_loop_ends_before_those_it_may_need() -> None:
    ended: list[str] = []

    async def loop(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            # A loop that still has something to do at its end.
            await asyncio.sleep(0)
            ended.append(name)

    async with running(loop("connection"), loop("user")):
        await asyncio.sleep(0)
    assert ended == ["user", "connection"]
