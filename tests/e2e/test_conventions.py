"""Conventions of all routes: request ids, problem documents, pages, limits, docs, health."""

import asyncio
import re
import time
from uuid import uuid4

import httpx
import pytest
from tests.support.course import TrainingForm, create
from tests.support.people import Person
from tests.support.problems import assert_problem
from tests.support.stack import Stack
from tests.support.training import upload

LOG_SECONDS = 10
# Longer than httpx keeps an idle connection.
IDLE_SECONDS = 6
SERVICES = {"gateway", "ml-service", "billing-service"}


class TestRequestId:
    async def test_valid_request_id_is_returned(self, http: httpx.AsyncClient) -> None:
        response = await http.get("/v1/prices", headers={"X-Request-Id": "my-own.id_1"})
        assert response.headers["x-request-id"] == "my-own.id_1"

    async def test_missing_request_id_is_generated(self, http: httpx.AsyncClient) -> None:
        first, second = [await http.get("/v1/prices") for _ in range(2)]
        assert first.headers["x-request-id"] != second.headers["x-request-id"]

    async def test_invalid_request_id_is_replaced(self, http: httpx.AsyncClient) -> None:
        response = await http.get("/v1/prices", headers={"X-Request-Id": "with blanks and {braces}"})
        assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])

    async def test_request_id_is_logged_by_every_service_on_the_way(self, stack: Stack, user: Person) -> None:
        request_id, sizes = uuid4().hex, stack.log_sizes()
        response = await create(user, TrainingForm(), {"X-Request-Id": request_id})
        assert response.headers["x-request-id"] == request_id
        if stack.home is None:
            return
        deadline = time.monotonic() + LOG_SECONDS
        while (logged := _services_that_logged(stack, sizes, request_id)) < SERVICES:
            assert time.monotonic() < deadline, logged
            await asyncio.sleep(0.05)


def _services_that_logged(stack: Stack, sizes: dict, request_id: str) -> set[str]:
    lines = stack.logged_since(sizes).splitlines()
    return {
        match[1]
        for line in lines
        if request_id in line and (match := re.search(r'"service":"([a-z-]+)"', line))
    }


class TestConnections:
    async def test_idle_connection_outlives_clients_keep_alive(self, stack: Stack) -> None:
        host, port = stack.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for pause in (0, IDLE_SECONDS):
            await asyncio.sleep(pause)
            writer.write(b"HEAD /livez HTTP/1.1\r\nHost: farebox\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()


class TestProblems:
    async def test_unknown_route_is_404(self, http: httpx.AsyncClient) -> None:
        assert_problem(await http.get("/v1/nothing"), 404, "route_not_found")

    async def test_wrong_method_is_405_with_allow(self, http: httpx.AsyncClient) -> None:
        response = await http.delete("/v1/prices")
        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["allow"] == "GET"

    async def test_each_invalid_field_has_a_pointer(self, http: httpx.AsyncClient) -> None:
        response = await http.post("/v1/users", json={"name": 5, "password": "short"})
        problem = assert_problem(response, 422, "invalid_input")
        assert [error["pointer"] for error in problem["errors"]] == ["/body/name", "/body/password"]

    async def test_problem_never_repeats_a_secret(self, http: httpx.AsyncClient) -> None:
        response = await http.post("/user/create", json={"email": "zq@example.org", "pwd": "zq1"})
        assert "zq1" not in response.text


class TestPages:
    @pytest.mark.parametrize(
        "path", ["/v1/models", "/v1/jobs", "/v1/datasets", "/v1/api-keys", "/v1/me/ledger"]
    )
    async def test_page_has_items_and_a_token(self, bystander: Person, path: str) -> None:
        body = (await bystander.get(path)).json()
        assert body.keys() == {"items", "next_page_token"}

    @pytest.mark.parametrize("size", [0, -3, 100_000])
    async def test_page_size_is_clamped(self, user: Person, size: int) -> None:
        await upload(user)
        response = await user.get("/v1/datasets", params={"page_size": size})
        assert len(response.json()["items"]) == 1


async def test_limits_are_one_published_table(http: httpx.AsyncClient) -> None:
    response = await http.get("/v1/limits")
    assert response.status_code == 200
    limits = response.json()
    assert "rates" in limits
    assert str(50 * 1024 * 1024) in response.text


class TestHealth:
    @pytest.mark.parametrize("path", ["/livez", "/readyz"])
    async def test_health_routes_are_published(self, http: httpx.AsyncClient, path: str) -> None:
        assert (await http.get(path)).status_code == 200

    async def test_metrics_are_not_published(self, http: httpx.AsyncClient) -> None:
        assert_problem(await http.get("/metrics"), 404)


class TestDocuments:
    @pytest.mark.parametrize("path", ["/docs", "/docs/auth", "/docs/billing", "/docs/ml"])
    async def test_docs_are_pages(self, http: httpx.AsyncClient, path: str) -> None:
        response = await http.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")

    async def test_docs_show_published_routes_only(self, http: httpx.AsyncClient) -> None:
        paths = (await http.get("/openapi.json")).json()["paths"]
        assert "/v1/models" in paths
        assert not [path for path in paths if path.startswith(("/internal", "/metrics"))]

    async def test_docs_have_an_authorize_button(self, http: httpx.AsyncClient) -> None:
        document = (await http.get("/openapi.json")).json()
        schemes = document["components"]["securitySchemes"]
        assert [scheme["scheme"] for scheme in schemes.values()] == ["bearer"]


class TestChargedResponses:
    async def test_course_training_has_the_charged_headers(self, user: Person) -> None:
        response = await create(user, TrainingForm())
        newest = (await user.get("/v1/me/ledger")).json()["items"][0]
        assert response.headers["x-tokens-charged"] == str(-newest["amount"]) == "1"
        assert response.headers["x-tokens-balance"] == str(newest["balance"]) == "14"
        assert response.headers["x-receipt-id"] == newest["receipt_id"]

    async def test_course_training_is_replayed_under_its_key(self, user: Person) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        first = await create(user, TrainingForm(), key)
        again = await create(user, TrainingForm(), key)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert await user.balance() == 14
