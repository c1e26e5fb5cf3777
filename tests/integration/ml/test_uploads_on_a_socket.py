"""Uploads to a real server: in chunks, interrupted, too large."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests.integration.ml.service import ADA, eventually, settings_of
from tests.integration.ml.serving import serving
from tests.support.billing import NoRevocations
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

from ml_service.main import create_app

MEGABYTE = 1024 * 1024
LIMIT = 50 * MEGABYTE
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n'
HEADER = ",".join(f"c{number}" for number in range(200)).encode() + b"\n"


@pytest.fixture
async def url(database: Database, tmp_path: Path, billing: MemoryBilling) -> AsyncIterator[str]:
    app = create_app(settings_of(database, tmp_path), billing, NoRevocations())
    async with serving(app) as address:
        yield address


def form_headers() -> dict[str, str]:
    return bearer(ADA) | {"Content-Type": "multipart/form-data; boundary=b"}


def stored(store: Path) -> list[Path]:
    folder = store / "uploads"
    return list(folder.iterdir()) if folder.exists() else []


async def chunks(head: bytes, size: int, end: bytes = b"") -> AsyncIterator[bytes]:
    yield head
    chunk = (b"7," * 199 + b"7\n") * (MEGABYTE // 400)
    for _ in range(size // MEGABYTE):
        yield chunk
    yield end


async def begin_upload(url: str, length: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    headers = [f"{name}: {value}" for name, value in form_headers().items()]
    request = ["POST /v1/datasets HTTP/1.1", "Host: ml", f"Content-Length: {length}", *headers, "", ""]
    writer.write("\r\n".join(request).encode() + HEAD)
    return reader, writer


async def test_file_over_the_limit_is_refused_at_the_limit(url: str, tmp_path: Path) -> None:
    reader, writer = await begin_upload(url, 1000 * MEGABYTE)
    answer, sent = asyncio.create_task(reader.readuntil(b"}")), 0
    while not answer.done():
        writer.write(b"1" * MEGABYTE)
        await writer.drain()
        sent += MEGABYTE
    assert b"HTTP/1.1 413" in await answer
    assert LIMIT <= sent < LIMIT + 16 * MEGABYTE
    assert stored(tmp_path) == []
    writer.close()


async def test_interrupted_upload_is_not_stored(url: str, tmp_path: Path) -> None:
    _, writer = await begin_upload(url, 9 * MEGABYTE)
    writer.write(b"a,b\n" + b"1,2\n" * 100_000)
    await writer.drain()

    async def has_begun() -> bool:
        return stored(tmp_path) != []

    await eventually(has_begun)
    writer.close()

    async def is_gone() -> bool:
        return stored(tmp_path) == []

    await eventually(is_gone)


async def test_large_upload_takes_little_memory(url: str) -> None:
    process, largest = psutil.Process(), 0
    before = process.memory_info().rss

    async def measured() -> AsyncIterator[bytes]:
        nonlocal largest
        async for chunk in chunks(HEAD + HEADER, 45 * MEGABYTE, b"\r\n--b--\r\n"):
            largest = max(largest, process.memory_info().rss)
            yield chunk

    async with httpx.AsyncClient(timeout=120) as client:
        answer = await client.post(f"{url}/v1/datasets", content=measured(), headers=form_headers())
    assert answer.status_code == 201, answer.text
    largest = max(largest, process.memory_info().rss)
    assert largest - before < 64 * MEGABYTE
