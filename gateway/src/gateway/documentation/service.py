"""The services' OpenAPI documents, fetched, cut down to what is published, and kept for a while."""

import time
from collections.abc import Callable

import httpx

from gateway.documentation.rules import Document, cut_down, join
from gateway.errors import UpstreamDown
from gateway.route_matching import RouteTable
from gateway.routing import Upstream
from kit.errors import MethodNotAllowed, RouteNotFound

KEPT_SECONDS = 30.0
FETCH_SECONDS = 3.0
DESCRIPTION = (
    "Metered machine learning for tables. Log in with `POST /v1/sessions` (or make an API key), then press "
    "Authorize and paste the token."
)


class Documentation:
    def __init__(
        self,
        client: httpx.AsyncClient,
        urls: dict[Upstream, str],
        table: RouteTable,
        own: Callable[[], Document],
    ) -> None:
        self._client, self._urls, self._table, self._own = client, urls, table, own
        self._kept: dict[Upstream, tuple[Document, float]] = {}

    async def part(self, part: Upstream) -> Document:
        """What one service publishes; raises UpstreamDown when it has never been heard."""
        document, until = self._kept.get(part, (None, 0.0))
        if document is None or until < time.monotonic():
            document = await self._fetch(part, document)
            self._kept[part] = (document, time.monotonic() + KEPT_SECONDS)
        return document

    async def joined(self) -> Document:
        """What all services publish together; what cannot be reached is named in the description."""
        parts: dict[str, Document] = {}
        missing: list[str] = []
        for part in self._urls:
            try:
                parts[part.value] = await self.part(part)
            except UpstreamDown:
                missing.append(part.value)
        parts["gateway"] = self._published(self._own(), Upstream.GATEWAY)
        absent = f" Missing for now, as it cannot be reached: {', '.join(missing)}." if missing else ""
        return join("Farebox", DESCRIPTION + absent, parts)

    async def _fetch(self, part: Upstream, last: Document | None) -> Document:
        try:
            answer = await self._client.get(f"{self._urls[part]}/openapi.json", timeout=FETCH_SECONDS)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            if last is not None:
                return last
            raise UpstreamDown from error
        return self._published(answer.json(), part)

    def _published(self, document: Document, part: Upstream) -> Document:
        return cut_down(document, lambda method, path: self._answers(part, method, path))

    def _answers(self, part: Upstream, method: str, path: str) -> bool:
        # A template's `{name}` is no path segment that a request could have, so stand-ins take its place.
        concrete = "/".join("x" if each.startswith("{") else each for each in path.split("/"))
        try:
            return self._table.find(method, concrete).upstream is part
        except (RouteNotFound, MethodNotAllowed):
            return False
