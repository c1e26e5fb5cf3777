"""The web server: Streamlit's own, with the route that keeps logins and the headers that browsers heed."""

import logging
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.logins.cookie import keep_login

# Not beside the folder pages, whose files Streamlit would take for scripts of their own.
SCRIPT = Path(__file__).parent / "script" / "app.py"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
logger = logging.getLogger(__name__)


def create_app() -> st.App:
    """Health is at /_stcore/health."""
    return st.App(
        SCRIPT,
        routes=[Route("/login", keep_login, methods=["POST"])],
        middleware=[Middleware(SafeHeaders)],
        on_script_error=_say_sorry,
    )


class SafeHeaders:
    """Adds HEADERS to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_safely)


def _say_sorry(error: Exception) -> bool:
    """Whatever nobody foresaw; its particulars are for the log alone."""
    logger.error("page_failed", exc_info=error)
    st.error(
        "This page could not be shown; that is a fault of ours. Reload it, and tell whoever runs Farebox."
    )
    return True
