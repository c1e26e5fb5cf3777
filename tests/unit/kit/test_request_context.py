import httpx
import pytest

from kit.request_context import accept_request_id


@pytest.mark.parametrize("sent", ["a", "Az09._-", "x" * 128])
def test_a_decent_request_id_is_kept(sent: str) -> None:
    assert accept_request_id(sent) == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 129, "a b", "a\n", "a\r\nX-Evil: 1", "é", "a;b", "{}"])
def test_any_other_request_id_is_replaced(sent: str | None) -> None:
    made = accept_request_id(sent)
    assert made != sent
    assert len(made) == 32


async def test_the_request_id_comes_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/livez", headers={"X-Request-Id": "order-66"})
    assert answer.headers["x-request-id"] == "order-66"


async def test_a_crash_answers_with_the_request_id_too(client: httpx.AsyncClient) -> None:
    answer = await client.get("/probe/crash", headers={"X-Request-Id": "order-67"})
    assert answer.headers["x-request-id"] == "order-67"
    assert answer.json()["request_id"] == "order-67"


async def test_two_requests_get_different_ids(client: httpx.AsyncClient) -> None:
    first, second = await client.get("/livez"), await client.get("/livez")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_metrics_count_by_route_and_not_by_address(client: httpx.AsyncClient) -> None:
    await client.get("/somewhere/private-name")
    page = (await client.get("/metrics")).text
    assert 'route="unmatched"' in page
    assert "private-name" not in page
