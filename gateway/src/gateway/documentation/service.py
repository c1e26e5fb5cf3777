"""OpenAPI documents of the services: fetched, reduced to the published routes, and cached."""

import time
from collections.abc import Callable

import httpx
import orjson
from cachetools import TTLCache

from gateway.documentation.rules import Document, keep_published, merge
from gateway.errors import UpstreamDown
from gateway.routing import RouteTable, Upstream
from kit.background import SingleFlight
from kit.errors import MethodNotAllowed, RouteNotFound

CACHE_SECONDS = 30.0
FETCH_SECONDS = 3.0
RENDERED_SECONDS = 2.0
DESCRIPTION = (
    "Metered machine learning for tables. Log in with `POST /v1/sessions` (or create an API key), then press "
    "Authorize and paste the token."
)


class Documentation:
    def __init__(
        self,
        client: httpx.AsyncClient,
        urls: dict[Upstream, str],
        routes: RouteTable,
        own: Callable[[], Document],
    ) -> None:
        self._client, self._urls, self._routes, self._own = client, urls, routes, own
        self._fresh: TTLCache[Upstream, Document] = TTLCache(len(Upstream), CACHE_SECONDS, time.monotonic)
        self._rendered: TTLCache[None, bytes] = TTLCache(1, RENDERED_SECONDS, time.monotonic)
        self._latest: dict[Upstream, Document] = {}
        self._fetches: SingleFlight[Upstream, Document] = SingleFlight()

    async def of_service(self, upstream: Upstream) -> Document:
        """The published routes of one service; raises UpstreamDown if none was ever fetched."""
        document = self._fresh.get(upstream)
        if document is None:
            document = await self._fetches.run(upstream, lambda: self._refresh(upstream))
        return document

    async def rendered(self) -> bytes:
        """The complete document as JSON, of which anyone may request many; it takes 20 ms to merge."""
        rendered = self._rendered.get(None)
        if rendered is None:
            rendered = self._rendered[None] = orjson.dumps(await self.complete())
        return rendered

    async def complete(self) -> Document:
        """The published routes of all services; the description names unavailable ones."""
        documents: dict[str, Document] = {}
        missing: list[str] = []
        for upstream in self._urls:
            try:
                documents[upstream.value] = await self.of_service(upstream)
            except UpstreamDown:
                missing.append(upstream.value)
        documents["gateway"] = self._keep_published(self._own(), Upstream.GATEWAY)
        absent = f" Temporarily unavailable: {', '.join(missing)}." if missing else ""
        return merge("Farebox", DESCRIPTION + absent, documents)

    async def _refresh(self, upstream: Upstream) -> Document:
        """Fetch the document; use the latest one while the service cannot be reached."""
        try:
            self._latest[upstream] = await self._fetch(upstream)
        except UpstreamDown:
            if upstream not in self._latest:
                raise
        self._fresh[upstream] = self._latest[upstream]
        return self._latest[upstream]

    async def _fetch(self, upstream: Upstream) -> Document:
        try:
            response = await self._client.get(f"{self._urls[upstream]}/openapi.json", timeout=FETCH_SECONDS)
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise UpstreamDown from error
        return self._keep_published(response.json(), upstream)

    def _keep_published(self, document: Document, upstream: Upstream) -> Document:
        return keep_published(document, lambda method, path: self._serves(upstream, method, path))

    def _serves(self, upstream: Upstream, method: str, path: str) -> bool:
        # A template's `{name}` is not a valid path segment, so a placeholder replaces it.
        concrete = "/".join("x" if segment.startswith("{") else segment for segment in path.split("/"))
        try:
            return self._routes.find(method, concrete).upstream is upstream
        except (RouteNotFound, MethodNotAllowed):
            return False
