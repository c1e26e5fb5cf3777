"""Answers that the gateway gives itself, also to a client that is still sending."""

import asyncio

from starlette.types import Receive, Send

from gateway.admission.body import SMALL, IncomingBody
from kit.errors import ServiceError
from kit.problems import render

LINGER_SILENCE = 1.0
LINGER_TOTAL = 10.0


async def refuse(refusal: ServiceError, more_may_come: bool, receive: Receive, send: Send) -> None:
    """Answer at once; a connection whose body was not taken is closed, though not under a sender's hands."""
    answer = render(refusal)
    headers = list(answer.raw_headers)
    if more_may_come:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    content = bytes(answer.body)
    if more_may_come:
        # Closing while bytes arrive resets the connection, and the answer would be lost with it.
        await send({"type": "http.response.body", "body": content, "more_body": True})
        await drain(receive)
        content = b""
    await send({"type": "http.response.body", "body": content})


def may_send_more(headers: dict[str, str], body: IncomingBody | None) -> bool:
    """True when the rest of the body is not worth waiting for, or of unknown length."""
    if body is not None and body.finished:
        return False
    return "transfer-encoding" in headers or int(headers.get("content-length", "0")) > SMALL


async def drain(receive: Receive) -> None:
    """Read and drop what still arrives, for a while."""
    try:
        async with asyncio.timeout(LINGER_TOTAL):
            more = True
            while more:
                async with asyncio.timeout(LINGER_SILENCE):
                    message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        return
