"""Raw requests over a socket."""

import asyncio
from urllib.parse import urlsplit

import httpx

SECONDS = 15


async def send_raw(url: str, raw: bytes) -> httpx.Response:
    """The first response to these bytes; fails if there is neither a response nor a disconnect."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(raw)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
        response = _read_head(head)
        length = int(response.headers.get("content-length", "0"))
        body = await asyncio.wait_for(reader.readexactly(length), SECONDS)
    finally:
        writer.close()
    return httpx.Response(response.status_code, headers=response.headers, content=body)


def _read_head(head: bytes) -> httpx.Response:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
    return httpx.Response(int(first.split()[1]), headers=headers)
