"""A gateway in memory that answers as a test tells it to, and the two clients in front of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx

from farebox import AsyncFarebox, Farebox, MemoryTokenStore, Retries, Tokens, TokenStore

Answer = httpx.Response | Exception
URL = "http://farebox.test"
IMPATIENT = Retries(first_pause=0.001)


class Gateway:
    """Answers each route from its script, in order; the last answer repeats."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._scripts: dict[tuple[str, str], list[Answer | Callable[[httpx.Request], Answer]]] = {}

    def on(self, method: str, path: str, *answers: Answer | Callable[[httpx.Request], Answer]) -> None:
        self._scripts[method, path] = list(answers)

    def asked(self, method: str, path: str) -> list[httpx.Request]:
        return [each for each in self.requests if (each.method, each.url.path) == (method, path)]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        script = self._scripts.get((request.method, request.url.path))
        if script is None:
            return problem(404, "route_not_found")
        answer = script[0] if len(script) == 1 else script.pop(0)
        if not isinstance(answer, httpx.Response | Exception):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        # A response is used up by reading it, so a repeated one is told anew.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


class Caller:
    """Runs the same operation on one of the two clients."""

    def __init__(self, kind: str, gateway: Gateway) -> None:
        self.kind, self.gateway = kind, gateway

    def run(
        self,
        act: Callable[[Any], Any],  # Any: either client, whose types differ
        *,
        api_key: str | None = None,
        store: TokenStore | None = None,
    ) -> Any:  # Any: whatever the operation gives
        transport = httpx.MockTransport(self.gateway)
        store = store or MemoryTokenStore(None if api_key else fresh_tokens())
        if self.kind == "blocking":
            with Farebox(URL, api_key=api_key, store=store, retries=IMPATIENT, transport=transport) as client:
                return _exhaust(act(client))

        async def run() -> Any:  # Any: as above
            async with AsyncFarebox(
                URL, api_key=api_key, store=store, retries=IMPATIENT, transport=transport
            ) as client:
                return await _exhaust_async(act(client))

        return asyncio.run(run())


def _exhaust(result: object) -> object:
    return list(result) if isinstance(result, Iterator) else result


async def _exhaust_async(result: object) -> object:
    if isinstance(result, AsyncIterator):
        return [each async for each in result]
    return await result if isinstance(result, Awaitable) else result


def fresh_tokens(access: str = "access-1", refresh: str = "refresh-1", lifetime: float = 3600) -> Tokens:
    return Tokens(access_token=access, refresh_token=refresh, expires_at=time.time() + lifetime)


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): each for name, each in headers.items()}
    return httpx.Response(status, json=body, headers=named)


def problem(status: int, code: str, detail: str = "Do it differently.", **members: object) -> httpx.Response:
    headers = {}
    if "retry_after" in members:
        headers["Retry-After"] = str(members.pop("retry_after"))
    body = {"status": status, "code": code, "detail": detail, "request_id": "req-1", **members}
    headers["Content-Type"] = "application/problem+json"
    return httpx.Response(status, content=json.dumps(body).encode(), headers=headers)
