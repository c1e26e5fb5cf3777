"""Web server: Streamlit's app with a route for the login cookie, admission and security headers."""

import logging
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.admission import Admission
from dashboard.session.cookie import LOGIN_PATH, exchange_ticket
from dashboard.settings import DashboardSettings

# Inside the folder `pages`: Streamlit would run every file of a `pages` folder beside the script as a page.
SCRIPT = Path(__file__).parent / "pages" / "app.py"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
logger = logging.getLogger(__name__)


def create_app(settings: DashboardSettings) -> st.App:
    """The ASGI app; its health check is Streamlit's own, at /_stcore/health."""
    return st.App(
        SCRIPT,
        routes=[Route(f"{settings.base_path}{LOGIN_PATH}", exchange_ticket, methods=["POST"])],
        middleware=[Middleware(SecurityHeaders), Middleware(Admission, settings)],
        on_script_error=_show_unexpected_error,
    )


class SecurityHeaders:
    """ASGI middleware that adds HEADERS to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _show_unexpected_error(error: Exception) -> bool:
    """Log the error; the page shows no details."""
    logger.error("page_failed", exc_info=error)
    st.error(
        "Something went wrong on our side. Reload the page; if it happens again, contact your administrator."
    )
    return True
