"""Admission of uploads after a login, and the addresses by which sockets are counted."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from dashboard import admission
from dashboard.admission import FILES_AT_ONCE, FILES_OF_A_SESSION, Admission, network_of
from dashboard.session.login_store import login_store
from dashboard.settings import DashboardSettings
from farebox import Tokens

LARGEST = 1000
URL = "/_stcore/upload_file/mine/file"


async def accept(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("accepted")(scope, receive, send)


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """A browser with a login, on a page of the dashboard."""
    login = login_store().create()
    login.save(Tokens(access_token="a", refresh_token="uploader", expires_at=0))
    app = Admission(accept, DashboardSettings(max_csv_bytes=LARGEST))
    headers = {"Origin": "http://pages.test", "Cookie": "farebox_login=uploader"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://pages.test", headers=headers
    ) as client:
        yield client


async def test_upload_after_a_login_is_accepted(browser: httpx.AsyncClient) -> None:
    assert (await browser.put(URL, content=b"x" * LARGEST)).text == "accepted"


async def test_upload_without_a_length_is_refused(browser: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    assert (await browser.put(URL, content=chunks())).status_code == 411


@pytest.mark.parametrize(
    "stored",
    [
        {"mine": FILES_OF_A_SESSION * LARGEST},
        {str(number): LARGEST for number in range(FILES_AT_ONCE)},
    ],
)
async def test_files_in_memory_are_limited(
    browser: httpx.AsyncClient, stored: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "stored_bytes", lambda: stored)
    assert (await browser.put(URL, content=b"x")).status_code == 413


@pytest.mark.parametrize(
    ("client", "network"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8::1", 5), "2001:db8::/64"),
        (None, ""),
    ],
)
def test_sockets_are_counted_by_address_or_network(client: tuple[str, int] | None, network: str) -> None:
    assert network_of({"type": "websocket", "client": client}) == network
