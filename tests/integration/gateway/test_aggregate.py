"""What the gateway puts together from several services: the account's export, the limits, the pages."""

import re

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import Running, Start
from tests.integration.gateway.upstream import Sibling, answer, read
from tests.support.tokens import access_token, bearer

from local.ports import free_port


def say(sibling: Sibling, path: str, content: object, status: int = 200) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        headers = dict(scope["headers"])
        sibling.seen.append({"headers": {name.decode(): value.decode() for name, value in headers.items()}})
        await answer(send, content, status)

    sibling.answers[path] = application


async def test_an_export_joins_what_each_service_keeps(gateway: Running, sibling: Sibling) -> None:
    say(sibling, "/v1/me/export", {"kept": 1})
    exported = await gateway.client.get("/v1/me/export", headers=bearer(7))
    assert exported.json() == {"auth": {"kept": 1}, "billing": {"kept": 1}, "ml": {"kept": 1}}


async def test_an_export_with_an_api_key_asks_with_its_token(gateway: Running, sibling: Sibling) -> None:
    token = access_token(7, api_key={"id": 3, "scopes": ["read"], "cap": None})
    sibling.api_keys["fbx_key"] = token
    say(sibling, "/v1/me/export", {})
    await gateway.client.get("/v1/me/export", headers={"Authorization": "Bearer fbx_key"})
    assert {each["headers"]["authorization"] for each in sibling.seen} == {f"Bearer {token}"}  # pyright: ignore


async def test_an_export_carries_the_request_id_to_each_service(gateway: Running, sibling: Sibling) -> None:
    say(sibling, "/v1/me/export", {})
    await gateway.client.get("/v1/me/export", headers={**bearer(7), "X-Request-Id": "mine-2"})
    assert [each["headers"]["x-request-id"] for each in sibling.seen] == ["mine-2"] * 3  # pyright: ignore


async def test_a_services_refusal_of_an_export_is_passed_on(gateway: Running, sibling: Sibling) -> None:
    say(sibling, "/v1/me/export", {"code": "forbidden"}, 403)
    refused = await gateway.client.get("/v1/me/export", headers=bearer(7))
    assert (refused.status_code, refused.json()) == (403, {"code": "forbidden"})


async def test_an_export_without_one_of_the_services_is_a_clear_503(start: Start, sibling: Sibling) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    say(sibling, "/v1/me/export", {})
    refused = await gateway.client.get("/v1/me/export", headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_down")


async def test_an_export_is_for_callers_only(gateway: Running) -> None:
    assert (await gateway.client.get("/v1/me/export")).status_code == 401


async def test_the_limits_include_the_rates_of_this_gateway(start: Start, sibling: Sibling) -> None:
    gateway = await start(farebox_rate_limits="login=7/60")
    say(sibling, "/v1/limits", {"csv_bytes": 5})
    limits = (await gateway.client.get("/v1/limits")).json()
    assert limits["csv_bytes"] == 5
    assert limits["rates"]["login"] == {"requests": 7, "seconds": 60}


SECURE = {"HTTPBearer": {"type": "http", "scheme": "bearer"}}


def describe(sibling: Sibling) -> None:
    page = {"200": {"description": "", "content": {"a/b": {"schema": {"$ref": "#/components/schemas/Page"}}}}}
    shown = {"operationId": "show", "responses": page, "security": [{"HTTPBearer": []}]}
    sibling.documents = {
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


async def test_the_joined_document_holds_exactly_what_is_published(
    gateway: Running, sibling: Sibling
) -> None:
    describe(sibling)
    document = (await gateway.client.get("/openapi.json")).json()
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == {
        ("/v1/me", "get"),
        ("/v1/me/wallet", "get"),
        ("/v1/models/{name}", "get"),
        ("/v1/me/export", "get"),
        ("/v1/limits", "get"),
        ("/v1/health", "get"),
    }
    assert {"auth.Page", "billing.Page", "ml.Page"} <= document["components"]["schemas"].keys()
    assert not [name for name in document["components"]["schemas"] if name.endswith("Hidden")]
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


@pytest.mark.parametrize(
    ("part", "path"), [("auth", "/v1/me"), ("billing", "/v1/me/wallet"), ("ml", "/v1/models/{name}")]
)
async def test_each_service_has_a_document_of_its_published_part(
    gateway: Running, sibling: Sibling, part: str, path: str
) -> None:
    describe(sibling)
    document = (await gateway.client.get(f"/openapi/{part}.json")).json()
    assert set(document["paths"]) == {path}
    assert set(document["components"]["schemas"]) == {"Page"}


async def test_a_service_that_is_away_is_missing_from_the_page_and_named(
    start: Start, sibling: Sibling
) -> None:
    describe(sibling)
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    document = (await gateway.client.get("/openapi.json")).json()
    assert "/v1/models/{name}" not in document["paths"]
    assert "ml" in document["info"]["description"].partition("Missing")[2]


@pytest.mark.parametrize("path", ["/docs", "/docs/auth", "/docs/billing", "/docs/ml"])
async def test_a_page_asks_nothing_of_other_hosts(gateway: Running, path: str) -> None:
    page = await gateway.client.get(path)
    assert "https://" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await gateway.client.get(asset)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/docs/gateway", "/docs/x", "/openapi/x.json", "/openapi/auth", "/docs/assets/core.py"]
)
async def test_there_are_no_other_pages(gateway: Running, path: str) -> None:
    assert (await gateway.client.get(path)).status_code == 404


async def test_the_gateways_figures_are_on_a_port_of_their_own(start: Start) -> None:
    port = free_port()
    gateway = await start(metrics_port=port)
    await gateway.client.get("/v1/prices")
    async with httpx.AsyncClient(trust_env=False) as client:
        figures = await client.get(f"http://127.0.0.1:{port}/metrics")
    assert 'farebox_requests_total{method="GET",route="/v1/prices",status="200"}' in figures.text
