"""Silent database: its machine is gone, so connections stay open without any response."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from kit import database as kit_database
from kit.database import Database as Connections
from kit.outages import describe_outage
from kit.settings import DatabaseSettings


class Network:
    """A TCP proxy in front of the server's socket, which stops forwarding once it is cut."""

    def __init__(self, server: str) -> None:
        self._server, self.is_cut = server, False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(self._server)
        try:
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        finally:
            for stream in (writer, there_writer):
                stream.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            if not self.is_cut:
                target.write(chunk)
        target.close()


@pytest.fixture
async def network(database: Database) -> AsyncIterator[tuple[Network, int]]:
    proxy = Network(f"{database.server.sockets}/.s.PGSQL.5432")
    server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0)
    yield proxy, server.sockets[0].getsockname()[1]
    server.close()


async def test_silent_database_is_an_outage_after_the_command_timeout(
    database: Database, network: tuple[Network, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit_database, "STATEMENT_SECONDS", 1)
    monkeypatch.setattr(kit_database, "SILENCE_SECONDS", 0.5)
    wire, port = network
    values = {
        "jwt_secret": JWT_SECRET,
        **database.settings("billing"),
        "db_host": "127.0.0.1",
        "db_port": port,
    }
    connections = Connections(DatabaseSettings.model_validate(values), "a-service")
    await connections.ping()
    wire.is_cut = True
    async with asyncio.timeout(30):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one, the table of outages says
            await connections.ping()
        await connections.close()
    assert describe_outage(raised.value) is not None
