"""Error responses of the gateway itself, even while the client is still sending its body."""

import asyncio

from starlette.types import Receive, Send

from gateway.admission.body import SMALL_BODY
from gateway.admission.gate import IncomingRequest
from kit.errors import ServiceError
from kit.problems import render

DRAIN_SILENCE_SECONDS = 1.0
DRAIN_SECONDS = 10.0


async def send_error(error: ServiceError, body_is_unread: bool, receive: Receive, send: Send) -> None:
    """Reply immediately; if the body was not read, drain it briefly, then close the connection."""
    response = render(error)
    headers = list(response.raw_headers)
    if body_is_unread:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    content = bytes(response.body)
    if body_is_unread:
        # Closing while bytes arrive would reset the connection, and the response would be lost.
        await send({"type": "http.response.body", "body": content, "more_body": True})
        await drain(receive)
        content = b""
    await send({"type": "http.response.body", "body": content})


def has_unread_body(request: IncomingRequest) -> bool:
    """True when the rest of the body is too long to wait for, or of unknown length."""
    if request.body is not None and request.body.finished:
        return False
    headers = request.headers
    return b"transfer-encoding" in headers or int(headers.get(b"content-length", b"0")) > SMALL_BODY


async def drain(receive: Receive) -> None:
    """Read and discard the rest of a body, for a limited time."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            more = True
            while more:
                async with asyncio.timeout(DRAIN_SILENCE_SECONDS):
                    message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        return
