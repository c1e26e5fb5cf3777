"""Connections to the database over TLS: encrypted, and the server verified, as DB_SSLMODE says."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from kit.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates
from kit.database import Database as Connections
from kit.settings import DatabaseSettings, read_settings

# PostgreSQL's request for TLS: a length of 8 and the code 1234.5679.
TLS_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])


@dataclass
class TlsServer:
    """The test's PostgreSQL behind TLS, which the embedded one was built without."""

    port: int
    authority: Path
    encrypted: int = 0


@asynccontextmanager
async def serving_tls(database: Database, folder: Path, host: str) -> AsyncIterator[TlsServer]:
    ensure_certificates(folder, host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    running = TlsServer(0, folder / AUTHORITY)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first == TLS_REQUEST:
            writer.write(b"S")
            await writer.start_tls(context)
            running.encrypted += 1
            first = b""
        path = str(database.server.sockets / ".s.PGSQL.5432")
        upstream_reader, upstream_writer = await asyncio.open_unix_connection(path)
        upstream_writer.write(first)
        await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        running.port = server.sockets[0].getsockname()[1]
        yield running


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def ping(database: Database, server: TlsServer, mode: str, authority: Path | None) -> None:
    settings = DatabaseSettings.model_validate(
        {
            "jwt_secret": JWT_SECRET,
            **database.settings("auth"),
            "db_host": "127.0.0.1" if mode != "verify-full" else "localhost",
            "db_port": server.port,
            "db_sslmode": mode,
            "db_sslrootcert": authority,
        }
    )
    connections = Connections(settings, "probe")
    try:
        await connections.ping()
        async with connections.driver() as connection:
            assert await connection.fetchval("SELECT 1") == 1
    finally:
        await connections.close()


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca", "verify-full"])
async def test_connections_are_encrypted(database: Database, tmp_path: Path, mode: str) -> None:
    async with serving_tls(database, tmp_path, "localhost") as server:
        await ping(database, server, mode, server.authority)
        assert server.encrypted >= 2


async def test_connections_are_not_encrypted_when_disabled(database: Database, tmp_path: Path) -> None:
    async with serving_tls(database, tmp_path, "localhost") as server:
        await ping(database, server, "disable", None)
        assert server.encrypted == 0


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_server_of_another_authority_is_refused(database: Database, tmp_path: Path, mode: str) -> None:
    other = tmp_path / "other"
    ensure_certificates(other, "localhost")
    async with serving_tls(database, tmp_path, "localhost") as server:
        with pytest.raises(ConnectionError):
            await ping(database, server, mode, other / AUTHORITY)


async def test_server_of_another_name_is_refused(database: Database, tmp_path: Path) -> None:
    async with serving_tls(database, tmp_path, "elsewhere.example") as server:
        await ping(database, server, "verify-ca", server.authority)
        with pytest.raises(ConnectionError):
            await ping(database, server, "verify-full", server.authority)


def test_verification_without_certificates_to_trust_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"JWT_SECRET": JWT_SECRET, "DB_USER": "a", "DB_PASSWORD": "b", "DB_SSLMODE": "verify-full"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        read_settings("a-service", DatabaseSettings)
    assert "DB_SSLROOTCERT" in str(ended.value.code)
