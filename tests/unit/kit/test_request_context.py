import logging

import httpx
import pytest
from structlog.testing import capture_logs
from tests.unit.kit.conftest import always_ready, nothing_to_open

from kit.app import create_service
from kit.request_context import RequestContextMiddleware, accept_request_id


@pytest.mark.parametrize("sent", ["a", "Az09._-", "x" * 128])
def test_valid_request_id_is_accepted(sent: str) -> None:
    assert accept_request_id(sent) == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 129, "a b", "a\n", "a\r\nX-Evil: 1", "é", "a;b", "{}"])
def test_invalid_request_id_is_replaced(sent: str | None) -> None:
    request_id = accept_request_id(sent)
    assert request_id != sent
    assert len(request_id) == 32


async def test_request_id_is_returned(client: httpx.AsyncClient) -> None:
    response = await client.get("/livez", headers={"X-Request-Id": "order-66"})
    assert response.headers["x-request-id"] == "order-66"


async def test_crash_response_has_the_request_id(client: httpx.AsyncClient) -> None:
    response = await client.get("/probe/crash", headers={"X-Request-Id": "order-67"})
    assert response.headers["x-request-id"] == "order-67"
    assert response.json()["request_id"] == "order-67"


async def test_generated_request_ids_differ(client: httpx.AsyncClient) -> None:
    first, second = await client.get("/livez"), await client.get("/livez")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_no_middleware_of_fastapi_is_outside_the_request_context() -> None:
    app = create_service("probe", lifespan=nothing_to_open, routers=[], ready=always_ready)
    assert isinstance(app.build_middleware_stack(), RequestContextMiddleware)


async def test_metrics_count_by_route_pattern(client: httpx.AsyncClient) -> None:
    await client.get("/somewhere/private-name")
    page = (await client.get("/metrics")).text
    assert 'route="unmatched"' in page
    assert "private-name" not in page


@pytest.mark.parametrize(
    ("is_entrance", "level", "logged"),
    [(True, logging.INFO, ["info"]), (False, logging.INFO, []), (False, logging.DEBUG, ["debug"])],
    ids=["gateway", "service", "service at DEBUG"],
)
async def test_only_the_entrance_logs_each_request_at_info(
    caplog: pytest.LogCaptureFixture, is_entrance: bool, level: int, logged: list[str]
) -> None:
    caplog.set_level(level)
    app = create_service(
        "probe", lifespan=nothing_to_open, routers=[], ready=always_ready, is_entrance=is_entrance
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://probe") as client:
        with capture_logs() as lines:
            await client.get("/somewhere")
    assert [line["log_level"] for line in lines if line["event"] == "request"] == logged


async def test_answer_is_not_stored_by_caches(client: httpx.AsyncClient) -> None:
    for path in ("/livez", "/probe/crash", "/somewhere"):
        assert (await client.get(path)).headers["cache-control"] == "no-store"
