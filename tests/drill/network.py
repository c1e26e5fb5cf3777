"""Network of the stack: proxies before services, PostgreSQL and the scheduler, slow or cut at will."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CHUNK = 64 * 1024
CONNECT_SECONDS = 1.0


# A port of this machine, or a Unix socket.
Address = int | Path
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Link:
    """Forwards connections to the targets in turn, and skips one that refuses.

    `delay` is added to every chunk in both directions, in seconds; a cut link resets all connections.
    """

    def __init__(self, name: str, address: Address, targets: Sequence[Address]) -> None:
        self.name, self.address, self.targets = name, address, list(targets)
        self.delay = 0.0
        self._cut = False
        self._turn = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> asyncio.Server:
        if isinstance(self.address, Path):
            self.address.parent.mkdir(exist_ok=True)
            return await asyncio.start_unix_server(self._serve, self.address)
        return await asyncio.start_server(self._serve, "127.0.0.1", self.address)

    def cut(self) -> None:
        self._cut = True
        for writer in list(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        self._cut, self.delay = False, 0.0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = None if self._cut else await self._connect()
        if upstream is None:
            writer.transport.abort()
            return
        upstream_reader, upstream_writer = upstream
        self._open |= {writer, upstream_writer}
        pumps = [
            asyncio.create_task(self._pump(reader, upstream_writer)),
            asyncio.create_task(self._pump(upstream_reader, writer)),
        ]
        # None of these protocols has half-closed connections: the end of one side is the end of both.
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for side in (writer, upstream_writer):
            self._open.discard(side)
            side.close()

    async def _connect(self) -> Streams | None:
        self._turn += 1
        for number in range(len(self.targets)):
            target = self.targets[(self._turn + number) % len(self.targets)]
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await _open(target)
        return None

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(chunk)
                await writer.drain()


async def _open(target: Address) -> Streams:
    if isinstance(target, Path):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection("127.0.0.1", target)
