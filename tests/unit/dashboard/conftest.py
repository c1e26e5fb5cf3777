"""Fixtures: pages in Streamlit's test harness, with an in-memory gateway."""

import sys
from collections.abc import Callable, Mapping

import httpx
import pytest
from streamlit.testing.v1 import AppTest
from tests.unit.client.gateway import IMPATIENT, URL, Gateway, fresh_tokens, ok

from dashboard.session.login_store import LoginStore
from dashboard.session.user_session import SESSION, UserSession
from farebox import Farebox
from farebox.results.accounts import User

ME = {
    "id": 7,
    "name": "ada@example.org",
    "display_name": None,
    "role": "admin",
    "disabled": False,
    "created_at": "2026-11-01T08:00:00Z",
}
RunPage = Callable[..., AppTest]


@pytest.fixture
def gateway() -> Gateway:
    gateway = Gateway()
    gateway.on("GET", "/v1/me/wallet", ok({"tokens": 15, "held": 0, "available": 15}))
    own = {"kind": "own", "account": "wallet:7", "available": 15, "held": 0, "expires_at": None}
    gateway.on("GET", "/v1/me/funds", ok({"group_id": None, "payers": [own], "renews_at": None}))
    return gateway


@pytest.fixture
def user_session(gateway: Gateway) -> UserSession:
    login = LoginStore().create()
    login.save(fresh_tokens())
    transport = httpx.MockTransport(gateway)
    client = Farebox(URL, store=login, retries=IMPATIENT, transport=transport)
    return UserSession(login, client, User.model_validate(ME))


@pytest.fixture
def run_page(user_session: UserSession, monkeypatch: pytest.MonkeyPatch) -> RunPage:
    """Runs a function as a Streamlit script in the session of a logged-in user."""
    # Streamlit replaces the main module by the script, and processes of later tests would run it again.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def run(script: Callable[[], None], state: Mapping[str, object] | None = None) -> AppTest:
        app = AppTest.from_function(script, default_timeout=30)
        app.session_state[SESSION] = user_session
        for name, value in (state or {}).items():
            app.session_state[name] = value
        return app.run()

    return run


def page_of(*items: object) -> httpx.Response:
    return ok({"items": list(items), "next_page_token": None})
