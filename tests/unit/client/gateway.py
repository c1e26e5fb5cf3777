"""A gateway in memory with scripted responses, and the two clients in front of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx

from farebox import AsyncFarebox, Farebox, MemoryTokenStore, Retries, Tokens, TokenStore

Reply = httpx.Response | Exception
URL = "http://farebox.test"
IMPATIENT = Retries(first_pause=0.001)


class Gateway:
    """Responds to each route from its script, in order; the last reply repeats."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._scripts: dict[tuple[str, str], list[Reply | Callable[[httpx.Request], Reply]]] = {}

    def on(self, method: str, path: str, *replies: Reply | Callable[[httpx.Request], Reply]) -> None:
        self._scripts[method, path] = list(replies)

    def requests_to(self, method: str, path: str) -> list[httpx.Request]:
        return [request for request in self.requests if (request.method, request.url.path) == (method, path)]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        script = self._scripts.get((request.method, request.url.path))
        if script is None:
            return problem(404, "route_not_found")
        reply = script[0] if len(script) == 1 else script.pop(0)
        if not isinstance(reply, httpx.Response | Exception):
            reply = reply(request)
        if isinstance(reply, Exception):
            raise reply
        # A response is consumed by reading it, so a repeated one is copied.
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


class Caller:
    """Runs the same operation on one of the two clients."""

    def __init__(self, kind: str, gateway: Gateway) -> None:
        self.kind, self.gateway = kind, gateway

    def run(
        self,
        operation: Callable[[Any], Any],  # Any: either client, whose types differ
        *,
        api_key: str | None = None,
        store: TokenStore | None = None,
    ) -> Any:  # Any: the result of any operation
        transport = httpx.MockTransport(self.gateway)
        store = store or MemoryTokenStore(None if api_key else fresh_tokens())
        if self.kind == "sync":
            with Farebox(URL, api_key=api_key, store=store, retries=IMPATIENT, transport=transport) as client:
                return _exhaust(operation(client))

        async def run() -> Any:  # Any: as above
            async with AsyncFarebox(
                URL, api_key=api_key, store=store, retries=IMPATIENT, transport=transport
            ) as client:
                return await _exhaust_async(operation(client))

        return asyncio.run(run())


def _exhaust(result: object) -> object:
    return list(result) if isinstance(result, Iterator) else result


async def _exhaust_async(result: object) -> object:
    if isinstance(result, AsyncIterator):
        return [item async for item in result]
    return await result if isinstance(result, Awaitable) else result


def fresh_tokens(access: str = "access-1", refresh: str = "refresh-1", lifetime: float = 3600) -> Tokens:
    return Tokens(access_token=access, refresh_token=refresh, expires_at=time.time() + lifetime)


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    named_headers = {name.replace("_", "-"): header for name, header in headers.items()}
    return httpx.Response(status, json=body, headers=named_headers)


def problem(status: int, code: str, detail: str = "Do it differently.", **members: object) -> httpx.Response:
    headers = {}
    if "retry_after" in members:
        headers["Retry-After"] = str(members.pop("retry_after"))
    body = {"status": status, "code": code, "detail": detail, "request_id": "req-1", **members}
    headers["Content-Type"] = "application/problem+json"
    return httpx.Response(status, content=json.dumps(body).encode(), headers=headers)
