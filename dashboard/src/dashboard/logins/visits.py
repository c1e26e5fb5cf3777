"""The person whose tab this is, and what acts for them. Nothing of it is shared with another session."""

from dataclasses import dataclass

import httpx
import streamlit as st

from dashboard.logins.cookie import cookie_name
from dashboard.logins.held import HeldLogin, held_logins
from dashboard.settings import DashboardSettings
from farebox import Farebox, NotLoggedIn
from farebox.errors import Unauthenticated
from farebox.results.accounts import User

VISIT, ENDED, WHY = "visit", "ended_login", "why_signed_out"
EXPIRED = "Your session has ended; please sign in again."


@dataclass(frozen=True)
class Visit:
    login: HeldLogin
    client: Farebox
    user: User


class ForVisitor(httpx.HTTPTransport):
    """Tells the gateway for whom it is asked; it believes that when TRUSTED_PROXIES names us."""

    def __init__(self, address: str | None) -> None:
        super().__init__()
        self._address = address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._address:
            request.headers["X-Forwarded-For"] = self._address
        return super().handle_request(request)


def client_for(login: HeldLogin) -> Farebox:
    url = DashboardSettings.read().api_base_url
    return Farebox(url, store=login, transport=ForVisitor(st.context.ip_address))


def current() -> Visit | None:
    """Who is signed in here, or in this browser when the tab is new."""
    if VISIT not in st.session_state and ENDED not in st.session_state:
        token = st.context.cookies.get(cookie_name(st.context.headers.get("Host")))
        if token is not None:
            _come_back(held_logins().resume(token))
    return st.session_state.get(VISIT)


def _come_back(login: HeldLogin) -> None:
    try:
        _arrive(login)
    except (NotLoggedIn, Unauthenticated):
        st.session_state[ENDED] = login
        st.session_state[WHY] = EXPIRED


def _arrive(login: HeldLogin) -> None:
    client = client_for(login)
    st.session_state[VISIT] = Visit(login, client, client.me.get())
    st.session_state.pop(ENDED, None)


def sign_in(name: str, password: str, *, register: bool = False) -> None:
    login = held_logins().begin()
    client = client_for(login)
    client.sign_up(name, password) if register else client.log_in(name, password)
    _arrive(login)


def leave(why: str) -> None:
    """Forget everything that this tab knows, but for what to tell."""
    visit: Visit | None = st.session_state.get(VISIT)
    st.session_state.clear()
    st.session_state[ENDED] = visit.login if visit else None
    st.session_state[WHY] = why


def sign_out() -> None:
    visit: Visit = st.session_state[VISIT]
    visit.client.log_out()
    leave("You are signed out.")


def change_password(name: str, password: str, new_password: str) -> None:
    """Changing it ends every login made with the old one, so a new one follows."""
    client = client_for(held_logins().begin())
    client.log_in(name, password)
    client.me.change_password(password, new_password)
    sign_in(name, new_password)
