"""The real pages on a real socket: origins, sockets of one address, and uploads without a login."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from local.ports import free_port

START_SECONDS = 60
SOCKETS = 3
# Streamlit's own check waits for a server on the internet for up to two seconds.
AT_ONCE_SECONDS = 1.0


def serve(**settings: str) -> tuple["subprocess.Popen[bytes]", str]:
    host = f"127.0.0.1:{free_port()}"
    environment = {"PORT": host.rpartition(":")[2], "MAX_SOCKETS_PER_ADDRESS": str(SOCKETS), **settings}
    process = subprocess.Popen([sys.executable, "-P", "-m", "dashboard"], env=os.environ | environment)
    deadline = time.monotonic() + START_SECONDS
    path = settings.get("DASHBOARD_URL", "").partition("test")[2]
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://{host}{path}/_stcore/health").status_code == 200:
                return process, host
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    process.kill()
    raise AssertionError("The dashboard did not start.")


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """The pages as `make up` starts them; their host."""
    process, host = serve()
    yield host
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture(scope="module")
def behind_proxy() -> Iterator[str]:
    """Pages behind a proxy that changes Host and serves them below a path."""
    process, host = serve(DASHBOARD_URL="https://pages.test/farebox")
    yield host
    process.terminate()
    process.wait(timeout=30)


async def open_socket(stack: AsyncExitStack, host: str, origin: str | None, path: str = "") -> int:
    """The status of the handshake."""
    headers = {"Origin": origin} if origin else {}
    try:
        await stack.enter_async_context(
            connect(f"ws://{host}{path}/_stcore/stream", additional_headers=headers, proxy=None)
        )
    except InvalidStatus as refused:
        return refused.response.status_code
    return 101


async def test_own_page_opens_a_socket(pages: str) -> None:
    async with AsyncExitStack() as stack:
        assert await open_socket(stack, pages, f"http://{pages}") == 101


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:1",
        "http://localhost:8888",
        "http://elsewhere.test",
        "null",
        "http://127.0.0.1",
        None,
    ],
)
async def test_other_origin_is_refused_at_once(pages: str, origin: str | None) -> None:
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        assert await open_socket(stack, pages, origin) == 403
    assert time.monotonic() - started < AT_ONCE_SECONDS


async def test_sockets_of_one_address_are_limited_and_counted_while_open(pages: str) -> None:
    async with AsyncExitStack() as stack:
        statuses = [await open_socket(stack, pages, f"http://{pages}") for _ in range(SOCKETS + 1)]
        assert statuses == [101] * SOCKETS + [403]
    deadline = time.monotonic() + START_SECONDS
    async with AsyncExitStack() as stack:
        while await open_socket(stack, pages, f"http://{pages}") != 101:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("cookie", [None, "unknown"])
def test_upload_without_a_login_is_refused(pages: str, method: str, cookie: str | None) -> None:
    headers = {"Origin": f"http://{pages}"}
    if cookie:
        headers["Cookie"] = f"farebox_login_{pages.rpartition(':')[2]}={cookie}"
    url = f"http://{pages}/_stcore/upload_file/session/file"
    response = httpx.request(method, url, headers=headers)
    assert (response.status_code, response.text) == (403, "Log in to upload files.")


@pytest.mark.parametrize("path", ["/_stcore/upload_file/session/file", "/login"])
def test_request_of_another_origin_is_refused(pages: str, path: str) -> None:
    response = httpx.post(f"http://{pages}{path}", headers={"Origin": "http://127.0.0.1:1"})
    assert (response.status_code, response.text) == (403, "Requests of other origins are refused.")


async def test_public_address_is_the_only_origin_behind_a_proxy(behind_proxy: str) -> None:
    async with AsyncExitStack() as stack:
        path = "/farebox"
        assert await open_socket(stack, behind_proxy, "https://pages.test", path) == 101
        for origin in ("http://pages.test", "https://pages.test:8501", f"http://{behind_proxy}"):
            assert await open_socket(stack, behind_proxy, origin, path) == 403


def test_login_route_is_below_the_path_of_the_public_address(behind_proxy: str) -> None:
    response = httpx.post(f"http://{behind_proxy}/farebox/login", headers={"Origin": "https://pages.test"})
    assert response.status_code == 410
