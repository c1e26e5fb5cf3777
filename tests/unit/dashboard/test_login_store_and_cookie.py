"""The login store, and the route that exchanges a ticket for a cookie."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route
from tests.unit.client.gateway import fresh_tokens

from dashboard.session.cookie import cookie_name, exchange_ticket
from dashboard.session.login_store import Login, LoginStore, login_store

ADDRESS = "https://pages.test"
COOKIE = cookie_name("pages.test")


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/login", exchange_ticket, methods=["POST"])])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers={"Origin": ADDRESS}) as http:
        yield http


def new_login(refresh: str, store: LoginStore | None = None) -> Login:
    login = (store or login_store()).create()
    login.save(fresh_tokens(refresh=refresh))
    return login


def test_login_is_found_by_current_and_earlier_refresh_tokens() -> None:
    store = LoginStore()
    login = new_login("first", store)
    login.save(fresh_tokens(refresh="second"))
    assert store.resume("first") is store.resume("second") is login


def test_older_refresh_token_is_left_to_auth_service() -> None:
    store = LoginStore()
    login = new_login("first", store)
    for token in ("second", "third"):
        login.save(fresh_tokens(refresh=token))
    assert store.find("second") is store.find("third") is login
    assert store.find("first") is None
    assert store.resume("first") is not login


def test_ended_login_is_removed() -> None:
    store = LoginStore()
    login = new_login("first", store)
    login.save(None)
    assert store.find("first") is None


def test_unknown_refresh_token_starts_one_login_for_all_tabs() -> None:
    store = LoginStore()
    login = store.resume("from before a restart")
    assert store.resume("from before a restart") is login
    tokens = login.load()
    assert tokens is not None
    assert tokens.is_stale


def test_ticket_works_once() -> None:
    store = LoginStore()
    ticket = store.issue_ticket(new_login("first", store))
    assert store.redeem_ticket(ticket) is not None
    assert store.redeem_ticket(ticket) is None


async def test_ticket_sets_an_http_only_cookie_for_this_site(http: httpx.AsyncClient) -> None:
    response = await http.post("/login", content=login_store().issue_ticket(new_login("for-the-cookie")))
    cookie = response.headers["set-cookie"]
    assert response.status_code == 204
    assert cookie.startswith(f"{COOKIE}=for-the-cookie;")
    assert {"HttpOnly", "SameSite=strict", "Secure"} <= set(cookie.split("; "))


async def test_other_origin_is_refused_and_the_ticket_stays_valid(http: httpx.AsyncClient) -> None:
    ticket = login_store().issue_ticket(new_login("elsewhere"))
    refused = await http.post("/login", content=ticket, headers={"Origin": "https://elsewhere.test"})
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    assert (await http.post("/login", content=ticket)).status_code == 204


@pytest.mark.parametrize("ticket", ["", "never issued", "x" * 10_000])
async def test_invalid_ticket_is_refused(http: httpx.AsyncClient, ticket: str) -> None:
    response = await http.post("/login", content=ticket)
    assert response.status_code == 410


async def test_ticket_with_a_length_in_other_digits_is_refused(http: httpx.AsyncClient) -> None:
    ticket = login_store().issue_ticket(new_login("length"))
    headers = {"Content-Length": "²".encode("latin-1")}
    response = await http.post("/login", content=ticket, headers=headers)
    assert response.status_code == 410


async def test_ended_login_removes_its_cookie(http: httpx.AsyncClient) -> None:
    login = new_login("over")
    await http.post("/login", content=login_store().issue_ticket(login))
    login.save(None)
    response = await http.post("/login", content=login_store().issue_ticket(login))
    assert "Max-Age=0" in response.headers["set-cookie"]


async def test_ended_login_keeps_the_cookie_of_a_newer_login(http: httpx.AsyncClient) -> None:
    older, newer = new_login("older"), new_login("newer")
    await http.post("/login", content=login_store().issue_ticket(older))
    await http.post("/login", content=login_store().issue_ticket(newer))
    older.save(None)
    response = await http.post("/login", content=login_store().issue_ticket(older))
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("host", "name"),
    [("pages.test", "farebox_login"), ("127.0.0.1:8501", "farebox_login_8501"), (None, "farebox_login")],
)
def test_cookie_name_contains_the_port(host: str | None, name: str) -> None:
    assert cookie_name(host) == name
