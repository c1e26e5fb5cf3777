"""Held logins and the route that turns a ticket into a cookie."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route
from tests.unit.client.gateway import fresh_tokens

from dashboard.logins.cookie import cookie_name, keep_login
from dashboard.logins.held import HeldLogin, HeldLogins, held_logins

ADDRESS = "https://pages.test"
COOKIE = cookie_name("pages.test")


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/login", keep_login, methods=["POST"])])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers={"Origin": ADDRESS}) as http:
        yield http


def new_login(refresh: str, held: HeldLogins | None = None) -> HeldLogin:
    login = (held or held_logins()).begin()
    login.save(fresh_tokens(refresh=refresh))
    return login


def test_a_login_is_found_by_each_refresh_token_that_it_has_had() -> None:
    held = HeldLogins()
    login = new_login("first", held)
    login.save(fresh_tokens(refresh="second"))
    assert held.resume("first") is held.resume("second") is login


def test_a_login_that_has_ended_is_forgotten() -> None:
    held = HeldLogins()
    login = new_login("first", held)
    login.save(None)
    assert held.find("first") is None


def test_a_token_never_seen_makes_one_login_for_all_tabs_that_show_it() -> None:
    held = HeldLogins()
    login = held.resume("from before a restart")
    assert held.resume("from before a restart") is login
    tokens = login.load()
    assert tokens is not None
    assert tokens.is_stale


def test_a_ticket_works_once() -> None:
    held = HeldLogins()
    ticket = held.issue_ticket(new_login("first", held))
    assert held.take_ticket(ticket) is not None
    assert held.take_ticket(ticket) is None


async def test_a_ticket_gives_a_cookie_for_this_site_and_no_script(http: httpx.AsyncClient) -> None:
    answer = await http.post("/login", content=held_logins().issue_ticket(new_login("for-the-cookie")))
    told = answer.headers["set-cookie"]
    assert answer.status_code == 204
    assert told.startswith(f"{COOKIE}=for-the-cookie;")
    assert {"HttpOnly", "SameSite=strict", "Secure"} <= set(told.split("; "))


async def test_another_site_gets_nothing_and_the_ticket_still_works(http: httpx.AsyncClient) -> None:
    ticket = held_logins().issue_ticket(new_login("elsewhere"))
    refused = await http.post("/login", content=ticket, headers={"Origin": "https://elsewhere.test"})
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    assert (await http.post("/login", content=ticket)).status_code == 204


@pytest.mark.parametrize("ticket", ["", "never issued", "x" * 10_000])
async def test_what_is_no_ticket_is_refused(http: httpx.AsyncClient, ticket: str) -> None:
    answer = await http.post("/login", content=ticket)
    assert answer.status_code == 410


async def test_a_login_that_has_ended_takes_its_own_cookie_away(http: httpx.AsyncClient) -> None:
    login = new_login("over")
    await http.post("/login", content=held_logins().issue_ticket(login))
    login.save(None)
    answer = await http.post("/login", content=held_logins().issue_ticket(login))
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_news_of_an_older_login_leaves_a_newer_ones_cookie_alone(http: httpx.AsyncClient) -> None:
    older, newer = new_login("older"), new_login("newer")
    await http.post("/login", content=held_logins().issue_ticket(older))
    await http.post("/login", content=held_logins().issue_ticket(newer))
    older.save(None)
    answer = await http.post("/login", content=held_logins().issue_ticket(older))
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("host", "name"),
    [("pages.test", "farebox_login"), ("127.0.0.1:8501", "farebox_login_8501"), (None, "farebox_login")],
)
def test_dashboards_on_other_ports_have_other_cookies(host: str | None, name: str) -> None:
    assert cookie_name(host) == name
