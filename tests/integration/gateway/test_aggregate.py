"""Responses combined from several services: export, limits, documentation."""

import asyncio
import json
import re

import aiohttp
import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import RunningGateway, StartGateway
from tests.integration.gateway.upstream import FakeUpstream, read_body, respond
from tests.support.tokens import access_token, bearer

from local.ports import free_port

# An export comes from all of them.
SERVICES = 3


def set_response(upstream: FakeUpstream, path: str, content: object, status: int = 200) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        headers = dict(scope["headers"])
        upstream.requests.append(
            {"headers": {name.decode(): value.decode() for name, value in headers.items()}}
        )
        await respond(send, content, status)

    upstream.responders[path] = application


async def test_export_combines_all_services(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    set_response(upstream, "/v1/me/export", {"stored": 1})
    exported = await gateway.client.get("/v1/me/export", headers=bearer(7))
    assert exported.json() == {"auth": {"stored": 1}, "billing": {"stored": 1}, "ml": {"stored": 1}}


async def test_export_with_api_key_sends_its_token(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    token = access_token(7, api_key={"id": 3, "scopes": ["read"], "cap": None})
    upstream.api_keys["fbx_key"] = token
    set_response(upstream, "/v1/me/export", {})
    await gateway.client.get("/v1/me/export", headers={"Authorization": "Bearer fbx_key"})
    assert {request["headers"]["authorization"] for request in upstream.requests} == {f"Bearer {token}"}  # pyright: ignore


async def test_export_passes_the_request_id_to_each_service(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    set_response(upstream, "/v1/me/export", {})
    await gateway.client.get("/v1/me/export", headers={**bearer(7), "X-Request-Id": "mine-2"})
    assert [request["headers"]["x-request-id"] for request in upstream.requests] == ["mine-2"] * 3  # pyright: ignore


async def test_export_passes_on_the_error_of_a_service(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    set_response(upstream, "/v1/me/export", {"code": "forbidden"}, 403)
    refused = await gateway.client.get("/v1/me/export", headers=bearer(7))
    assert (refused.status_code, refused.json()) == (403, {"code": "forbidden"})


async def test_export_without_one_service_is_503(start: StartGateway, upstream: FakeUpstream) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    set_response(upstream, "/v1/me/export", {})
    refused = await gateway.client.get("/v1/me/export", headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_down")


async def test_export_streams(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    received = asyncio.Event()

    async def send_in_parts(_scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"a":', "more_body": True})
        # A gateway that buffers the document blocks here.
        await asyncio.wait_for(received.wait(), 5)
        await send({"type": "http.response.body", "body": b"1}"})

    upstream.responders["/v1/me/export"] = send_in_parts
    parts: list[bytes] = []
    async with gateway.client.stream("GET", "/v1/me/export", headers=bearer(7)) as response:
        async for part in response.aiter_raw():
            parts.append(part)
            received.set()
    assert json.loads(b"".join(parts)) == {"auth": {"a": 1}, "billing": {"a": 1}, "ml": {"a": 1}}


async def test_export_that_breaks_off_never_ends_cleanly(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    async def break_off(_scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        headers = [(b"content-length", b"1000000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionError

    upstream.responders["/v1/me/export"] = break_off
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.client.get("/v1/me/export", headers=bearer(7))


async def test_slow_exports_leave_revocations_and_api_keys_working(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    done, waiting = asyncio.Event(), 0

    async def wait(_scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal waiting
        await read_body(receive)
        waiting += 1
        await done.wait()
        await respond(send, {})

    upstream.responders["/v1/me/export"] = wait
    upstream.api_keys["fbx_key"] = access_token(9, api_key={"id": 3, "scopes": ["read"], "cap": None})
    gateway = await start(max_requests_in_flight=1000)
    # httpx would look through all its connections for each request.
    async with aiohttp.ClientSession(
        str(gateway.client.base_url), connector=aiohttp.TCPConnector(limit=0)
    ) as client:

        async def export(user: int) -> int:
            async with client.get("/v1/me/export", headers=bearer(user)) as response:
                await response.read()
                return response.status

        exports: list[asyncio.Task[int]] = []
        async with asyncio.timeout(60):
            # Not all at once: the client, the gateway and its upstream are one process here, which would take
            # longer to connect than the gateway waits.
            for user in range(1, 121):
                exports.append(asyncio.create_task(export(user)))
                while waiting < len(exports) * SERVICES:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.001)
        accepted = await gateway.client.get("/v1/models", headers={"Authorization": "Bearer fbx_key"})
        assert accepted.status_code == 200
        upstream.revocations.append({"user_id": 8, "generation": 1})
        async with asyncio.timeout(5):
            while (await gateway.client.get("/v1/models", headers=bearer(8))).status_code != 401:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.05)
        done.set()
        assert set(await asyncio.gather(*exports)) == {200}


async def test_export_requires_authentication(gateway: RunningGateway) -> None:
    assert (await gateway.client.get("/v1/me/export")).status_code == 401


async def test_limits_include_the_rate_limits(start: StartGateway, upstream: FakeUpstream) -> None:
    gateway = await start(farebox_rate_limits="login=7/60")
    set_response(upstream, "/v1/limits", {"csv_bytes": 5})
    limits = (await gateway.client.get("/v1/limits")).json()
    assert limits["csv_bytes"] == 5
    assert limits["rates"]["login"] == {"requests": 7, "seconds": 60}


async def test_limits_include_requests_at_once(start: StartGateway, upstream: FakeUpstream) -> None:
    gateway = await start(max_requests_in_flight=20, max_open_streams=4)
    set_response(upstream, "/v1/limits", {})
    requests = (await gateway.client.get("/v1/limits")).json()["requests"]
    assert (requests["in_flight"], requests["open_streams"]) == (20, 4)


SECURE = {"HTTPBearer": {"type": "http", "scheme": "bearer"}}


def describe(upstream: FakeUpstream) -> None:
    page = {"200": {"description": "", "content": {"a/b": {"schema": {"$ref": "#/components/schemas/Page"}}}}}
    shown = {"operationId": "show", "responses": page, "security": [{"HTTPBearer": []}]}
    upstream.documents = {
        "openapi": "3.1.0",
        "info": {"title": "a service", "version": "1"},
        "paths": {
            "/v1/me": {"get": shown},
            "/v1/me/wallet": {"get": shown},
            "/v1/models/{name}": {"get": shown, "put": shown},
            "/v1/me/export": {"get": shown},
            "/internal/trust": {"get": shown},
        },
        "components": {"schemas": {"Page": {"type": "object"}, "Hidden": {}}, "securitySchemes": SECURE},
    }


async def test_complete_document_has_exactly_the_published_routes(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    describe(upstream)
    document = (await gateway.client.get("/openapi.json")).json()
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == {
        ("/v1/me", "get"),
        ("/v1/me/wallet", "get"),
        ("/v1/models/{name}", "get"),
        ("/v1/me/export", "get"),
        ("/v1/limits", "get"),
        ("/v1/health", "get"),
        ("/v1/diagnosis", "get"),
    }
    assert {"auth.Page", "billing.Page", "ml.Page"} <= document["components"]["schemas"].keys()
    assert not [name for name in document["components"]["schemas"] if name.endswith("Hidden")]
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


@pytest.mark.parametrize(
    ("service", "path"), [("auth", "/v1/me"), ("billing", "/v1/me/wallet"), ("ml", "/v1/models/{name}")]
)
async def test_service_document_has_its_published_routes(
    gateway: RunningGateway, upstream: FakeUpstream, service: str, path: str
) -> None:
    describe(upstream)
    document = (await gateway.client.get(f"/openapi/{service}.json")).json()
    assert set(document["paths"]) == {path}
    assert set(document["components"]["schemas"]) == {"Page"}


async def test_complete_document_names_an_unreachable_service(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    describe(upstream)
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    document = (await gateway.client.get("/openapi.json")).json()
    assert "/v1/models/{name}" not in document["paths"]
    assert "ml" in document["info"]["description"].partition("unavailable")[2]


@pytest.mark.parametrize("path", ["/docs", "/docs/auth", "/docs/billing", "/docs/ml"])
async def test_documentation_page_loads_nothing_from_other_hosts(gateway: RunningGateway, path: str) -> None:
    page = await gateway.client.get(path)
    assert "https://" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await gateway.client.get(asset)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/docs/gateway", "/docs/x", "/openapi/x.json", "/openapi/auth", "/docs/assets/core.py"]
)
async def test_other_documentation_pages_are_not_found(gateway: RunningGateway, path: str) -> None:
    assert (await gateway.client.get(path)).status_code == 404


async def test_metrics_are_served_on_their_own_port(start: StartGateway) -> None:
    port = free_port()
    gateway = await start(metrics_port=port)
    await gateway.client.get("/v1/prices")
    async with httpx.AsyncClient(trust_env=False) as client:
        metrics = await client.get(f"http://127.0.0.1:{port}/metrics")
    assert 'farebox_requests_total{method="GET",route="/v1/prices",status="200"}' in metrics.text
