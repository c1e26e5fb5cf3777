"""Work ends when the client of its request disconnects."""

import asyncio

import pytest
from starlette.types import Message

from kit.disconnects import connection, while_connected
from kit.errors import ClientLeft


class Client:
    """The messages of a client who has sent the whole body; `leave` closes the connection."""

    def __init__(self) -> None:
        self._left = asyncio.Event()

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        self._left.set()


class Work:
    """Work that takes until it is cancelled."""

    def __init__(self) -> None:
        self.started, self.cancelled = asyncio.Event(), False

    async def run(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            self.cancelled = True
            raise


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def fail() -> None:
    raise ValueError("no")


async def run(client: Client, work: Work) -> None:
    connection.set(client.receive)
    await while_connected(work.run())


async def test_result_is_returned_while_the_client_is_connected() -> None:
    connection.set(Client().receive)
    assert await while_connected(double(2)) == 4


async def test_error_is_raised_while_the_client_is_connected() -> None:
    connection.set(Client().receive)
    with pytest.raises(ValueError, match="no"):
        await while_connected(fail())


async def test_work_outside_of_a_request_is_awaited() -> None:
    assert await while_connected(double(2)) == 4


async def test_disconnect_cancels_the_work_and_waits_for_its_end() -> None:
    client, work = Client(), Work()
    running = asyncio.create_task(run(client, work))
    await work.started.wait()
    client.leave()
    with pytest.raises(ClientLeft):
        await running
    assert work.cancelled


async def test_cancellation_cancels_the_work() -> None:
    client, work = Client(), Work()
    running = asyncio.create_task(run(client, work))
    await work.started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert work.cancelled


async def test_work_of_a_client_who_left_before_is_cancelled() -> None:
    client, work = Client(), Work()
    client.leave()
    with pytest.raises(ClientLeft):
        await asyncio.create_task(run(client, work))
