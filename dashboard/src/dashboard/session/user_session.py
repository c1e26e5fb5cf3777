"""The session of one tab: its user, and a client with the user's login."""

from dataclasses import dataclass

import httpx
import streamlit as st

from dashboard.session.cookie import cookie_name
from dashboard.session.login_store import Login, login_store
from dashboard.settings import DashboardSettings
from farebox import Farebox, FareboxError, NotLoggedIn
from farebox.errors import Unauthenticated
from farebox.results.accounts import User

SESSION, ENDED_LOGIN, NOTICE = "user_session", "ended_login", "login_notice"
EXPIRED = "Your session has ended; please log in again."


@dataclass(frozen=True)
class UserSession:
    login: Login
    client: Farebox
    user: User


class ForwardingTransport(httpx.HTTPTransport):
    """Forwards the browser's address; the gateway uses it if TRUSTED_PROXIES has the dashboard's own."""

    def __init__(self, address: str | None) -> None:
        super().__init__()
        self._address = address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._address:
            request.headers["X-Forwarded-For"] = self._address
        return super().handle_request(request)


def current_session() -> UserSession | None:
    """The session of this tab; a new tab resumes the login of its browser."""
    if SESSION not in st.session_state and ENDED_LOGIN not in st.session_state:
        token = st.context.cookies.get(cookie_name(st.context.headers.get("Host")))
        if token is not None:
            _resume(login_store().resume(token))
    return st.session_state.get(SESSION)


def log_in(name: str, password: str) -> None:
    login = login_store().create()
    client = _client_for(login)
    client.log_in(name, password)
    _start(login, client)


def register(name: str, password: str) -> None:
    login = login_store().create()
    client = _client_for(login)
    client.sign_up(name, password)
    _start(login, client)


def log_out() -> None:
    session: UserSession = st.session_state[SESSION]
    session.client.log_out()
    leave("You are logged out.")


def leave(notice: str) -> None:
    """Clear the state of this tab, except the notice for the login form."""
    session: UserSession | None = st.session_state.get(SESSION)
    st.session_state.clear()
    st.session_state[ENDED_LOGIN] = session.login if session else None
    st.session_state[NOTICE] = notice


def change_password(name: str, password: str, new_password: str, *, revoke_api_keys: bool) -> None:
    """Change the password and log in again: the change ends every earlier login."""
    client = _client_for(login_store().create())
    client.log_in(name, password)
    client.me.change_password(password, new_password, revoke_api_keys=revoke_api_keys)
    log_in(name, new_password)


def has_expired(error: FareboxError) -> bool:
    is_about_login = isinstance(error, NotLoggedIn | Unauthenticated) and error.code != "wrong_credentials"
    return is_about_login and SESSION in st.session_state


def _resume(login: Login) -> None:
    try:
        _start(login, _client_for(login))
    except (NotLoggedIn, Unauthenticated):
        st.session_state[ENDED_LOGIN] = login
        st.session_state[NOTICE] = EXPIRED


def _start(login: Login, client: Farebox) -> None:
    st.session_state[SESSION] = UserSession(login, client, client.me.get())
    st.session_state.pop(ENDED_LOGIN, None)


def _client_for(login: Login) -> Farebox:
    url = DashboardSettings.read().api_base_url
    return Farebox(url, store=login, transport=ForwardingTransport(st.context.ip_address))
