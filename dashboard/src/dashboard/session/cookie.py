"""Login cookie: the route that sets or removes it, and the component that calls it from a browser."""

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from streamlit.components.v2 import component

from dashboard.session.login_store import Login, login_store
from dashboard.settings import DashboardSettings

MAX_AGE_SECONDS = 30 * 24 * 3600
MAX_TICKET_BYTES = 200
LOGIN_PATH = "/login"
TICKET, TICKET_TOKEN = "login_ticket", "login_ticket_token"
# A rerun draws the component again with the same ticket, which is no longer valid.
SCRIPT = """
export default function ({ data }) {
  if (!data.ticket || window.fareboxTicket === data.ticket) return
  window.fareboxTicket = data.ticket
  fetch(data.address, { method: "POST", body: data.ticket })
}
"""


def cookie_name(host: str | None) -> str:
    """The name has the port, because browsers share cookies between all ports of a host."""
    port = (host or "").rpartition(":")[2]
    return f"farebox_login_{port}" if port.isdigit() else "farebox_login"


def sync_cookie(login: Login | None) -> None:
    """Let the browser fetch the cookie of a login that is new, was refreshed or has ended."""
    current = () if login is None else (login.token_in_cookie, st.session_state.get(TICKET_TOKEN, ""))
    if login is not None and login.refresh_token not in current:
        st.session_state[TICKET_TOKEN] = login.refresh_token
        st.session_state[TICKET] = login_store().issue_ticket(login)
    fetch = component("farebox_cookie_sync", js=SCRIPT)
    address = f"{DashboardSettings.read().base_path}{LOGIN_PATH}"
    fetch(key="cookie_sync", data={"ticket": st.session_state.get(TICKET, ""), "address": address}, height=1)


async def exchange_ticket(request: Request) -> Response:
    """Exchange a ticket for the cookie of its login; remove the cookie of a login that has ended."""
    origin, host = request.headers.get("origin", ""), request.headers.get("host")
    if not DashboardSettings.read().is_own_origin(origin, host):
        return Response(status_code=403)
    login = login_store().redeem_ticket(await _read_ticket(request))
    if login is None:
        return Response(status_code=410)
    response, name = Response(status_code=204, headers={"Cache-Control": "no-store"}), cookie_name(host)
    if _may_replace(login, request.cookies.get(name)):
        _set_cookie(response, name, login, secure=origin.startswith("https:"))
    return response


async def _read_ticket(request: Request) -> str:
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()) or int(length) > MAX_TICKET_BYTES:
        return ""
    return (await request.body()).decode("ascii", "replace")


def _may_replace(login: Login, current: str | None) -> bool:
    """False if an ended login would remove the cookie of a newer login in another tab."""
    return login.token_in_cookie is None or login_store().find(current) in (login, None)


def _set_cookie(response: Response, name: str, login: Login, *, secure: bool) -> None:
    token = login.refresh_token
    if token is None:
        response.delete_cookie(name, secure=secure, httponly=True, samesite="strict")
    else:
        response.set_cookie(
            name, token, max_age=MAX_AGE_SECONDS, secure=secure, httponly=True, samesite="strict"
        )
        login.token_in_cookie = token
