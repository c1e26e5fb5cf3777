"""Fake of the services behind the gateway, served on a real socket."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

MEBIBYTE = 1024 * 1024


class FakeUpstream:
    """Responds to the gateway's own calls as auth-service does, and echoes every other request.

    A test may add the response to a path to `responders`.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []
        self.exchanged_keys: list[str] = []
        self.api_keys: dict[str, str] = {}
        self.revocations: list[dict[str, object]] = []
        self.documents: dict[str, object] = {"openapi": "3.1.0", "paths": {}}
        self.cancelled = asyncio.Event()
        self.bytes_received = 0
        self.responders: dict[str, Callable[[Scope, Receive, Send], Awaitable[None]]] = {
            "/internal/trust": self._trust,
            "/internal/api-keys/exchange": self._exchange,
            "/openapi.json": self._openapi,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await self.responders.get(scope["path"], self.echo)(scope, receive, send)

    async def echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        self.requests.append(
            {
                "method": scope["method"],
                "path": scope["raw_path"].decode(),
                "query": scope["query_string"].decode(),
                "headers": [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]],
                "body": body.decode("latin-1"),
            }
        )
        await respond(send, self.requests[-1])

    async def _trust(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await respond(send, {"cursor": 1, "keys": [], "revocations": self.revocations})

    async def _exchange(self, _scope: Scope, receive: Receive, send: Send) -> None:
        key = json.loads(await read_body(receive))["api_key"]
        self.exchanged_keys.append(key)
        await asyncio.sleep(0.05)  # long enough for concurrent calls
        token = self.api_keys.get(key)
        if token is None:
            await respond(send, {"code": "unauthenticated"}, 401)
        else:
            await respond(send, {"access_token": token, "expires_in": 120})

    async def _openapi(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await respond(send, self.documents)


async def read_body(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the gateway disconnected")
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def respond(
    send: Send, content: object, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*head, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})
