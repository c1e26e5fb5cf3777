"""Hot routes: the busiest routes of a service, served in front of FastAPI.

A hot route resolves the arguments of an endpoint without FastAPI and calls the same function. It does so for
valid requests only: every other request goes on to FastAPI, which answers it with the same endpoint. The
middleware, routing and validation of FastAPI took 0.15 ms per request, more than many of them need for work.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.authentication import authenticate
from kit.errors import ServiceError
from kit.idempotency import is_idempotency_key
from kit.identity import Caller
from kit.problems import render

MOST_DIGITS = 16


class NotHot(Exception):
    """The request is invalid or unusual, so FastAPI must serve it."""


class HotRequest:
    """A request on a hot route; `parameter` is the value of the path's parameter, or empty."""

    def __init__(self, scope: Scope, receive: Receive, parameter: str) -> None:
        self.parameter = parameter
        self._scope, self._receive = scope, receive
        self._received: list[Message] = []
        # Reversed, so that the first of repeated headers counts, as in FastAPI.
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    @property
    def container(self) -> Any:  # Any: each service has a container of its own
        return self._scope["app"].state.container

    @property
    def authorization(self) -> str:
        return self._headers.get(b"authorization", b"").decode("latin-1")

    def caller(self, scope: str) -> Caller:
        """The authenticated caller; an API key needs this scope. Raises Unauthenticated or Forbidden."""
        return authenticate(self.container.authentication, self.authorization, scope)

    def header(self, name: bytes) -> str | None:
        """The value of a header by its name in lower case."""
        sent = self._headers.get(name)
        return None if sent is None else sent.decode("latin-1")

    @property
    def idempotency_key(self) -> str | None:
        """Raises NotHot for an invalid key."""
        key = self.header(b"idempotency-key")
        if key is None:
            return None
        if not is_idempotency_key(key):
            raise NotHot
        return key

    def is_disconnected(self) -> bool:
        """Whether the client has closed the connection, as uvicorn has seen so far.

        Read from uvicorn's own object, because a call of `receive` would wait for the end of the connection.
        False where something else has wrapped `receive`, as tracing does.
        """
        return getattr(getattr(self._receive, "__self__", None), "disconnected", False)

    @property
    def content_length(self) -> int:
        """The length of the body as announced; 0 if it is not."""
        sent = self._headers.get(b"content-length", b"")
        return int(sent) if sent.isdigit() and len(sent) < MOST_DIGITS else 0

    async def json_body(self) -> bytes:
        """The complete body; raises NotHot for another type than JSON, or when the client disconnects."""
        if self._scope["query_string"] or not _is_json(self._headers.get(b"content-type", b"")):
            raise NotHot
        chunks: list[bytes] = []
        more = True
        while more:
            message = await self._receive()
            self._received.append(message)
            if message["type"] != "http.request":
                raise NotHot
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def receive_again(self) -> Message:
        """Repeat the messages that were received, then continue: the `receive` for FastAPI."""
        return self._received.pop(0) if self._received else await self._receive()


@dataclass(frozen=True, slots=True)
class HotRoute:
    """A POST route with at most one parameter in its path.

    `serve` raises NotHot to pass the request on to FastAPI, before it has any effect.
    """

    path: str
    serve: Callable[[HotRequest], Awaitable[Response]]
    prefix: str = field(init=False)
    suffix: str = field(init=False)

    def __post_init__(self) -> None:
        prefix, _, rest = self.path.partition("{")
        object.__setattr__(self, "prefix", prefix)
        object.__setattr__(self, "suffix", rest.partition("}")[2])

    def match(self, path: str) -> str | None:
        """The parameter's value, empty for a path without a parameter; None if the path does not match."""
        if path == self.path:
            return ""
        if not (path.startswith(self.prefix) and path.endswith(self.suffix)):
            return None
        parameter = path[len(self.prefix) : len(path) - len(self.suffix)]
        return parameter if parameter and "/" not in parameter and self.prefix != self.path else None


class HotRoutes:
    """Middleware that serves the hot routes, and passes all other requests on."""

    def __init__(self, app: ASGIApp, routes: Sequence[HotRoute]) -> None:
        self._app, self._routes = app, routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["method"] == "POST":
            for route in self._routes:
                parameter = route.match(scope["path"])
                if parameter is not None:
                    return self._serve(route, HotRequest(scope, receive, parameter), scope, send)
        return self._app(scope, receive, send)

    async def _serve(self, route: HotRoute, request: HotRequest, scope: Scope, send: Send) -> None:
        # Metrics, logs and traces read the route's pattern from the scope.
        scope["route"] = route
        try:
            response = await route.serve(request)
        except NotHot:
            await self._app(scope, request.receive_again, send)
            return
        except ServiceError as error:
            response = render(error)
        await response(scope, request.receive_again, send)


def add_hot_routes(app: FastAPI, *routes: HotRoute) -> None:
    """Serve these routes inside request ids, logs and metrics, and outside all other middleware."""
    app.user_middleware.insert(1, Middleware(HotRoutes, routes=routes))


def _is_json(content_type: bytes) -> bool:
    return content_type == b"application/json" or content_type.startswith(b"application/json;")
