"""A hot route answers like FastAPI, and only valid requests take the short way."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Response
from pydantic import BaseModel, ConfigDict, StrictInt, ValidationError
from tests.support.tokens import bearer
from tests.unit.kit.conftest import Conflict, always_ready, nothing_to_open

from kit.app import create_service, strict_router
from kit.authentication import Authentication, require_scope
from kit.hot_routes import HotRequest, HotRoute, NotHot, add_hot_routes
from kit.idempotency import IdempotencyKey
from kit.identity import Caller
from kit.settings import ServiceSettings
from kit.trust_store import TrustUpdate

router = strict_router()
Clients = tuple[httpx.AsyncClient, httpx.AsyncClient]
Predicting = Annotated[Caller, Depends(require_scope("predict"))]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount: StrictInt


@router.post("/things/{name}/order")
async def order(name: str, body: Order, caller: Predicting, key: IdempotencyKey = None) -> Response:
    if body.amount == 13:
        raise Conflict("Thirteen is taken; choose another number.")
    if body.amount == 500:
        raise RuntimeError("secret of the house")
    return Response(f"{caller.user_id} orders {body.amount} {name} {key}", headers={"X-Order": "1"})


@pytest.fixture
def served() -> list[str]:
    """The parameters of the requests that took the short way."""
    return []


@pytest.fixture
def apps(settings: ServiceSettings, served: list[str]) -> tuple[FastAPI, FastAPI]:
    """The same service with the hot route, and without."""

    async def serve(request: HotRequest) -> Response:
        caller, key = request.caller("predict"), request.idempotency_key
        try:
            body = Order.model_validate_json(await request.json_body())
        except ValidationError:
            raise NotHot from None
        served.append(request.parameter)
        return await order(request.parameter, body, caller, key)

    first, second = (
        create_service("probe", lifespan=nothing_to_open, routers=[router], ready=always_ready)
        for _ in range(2)
    )
    add_hot_routes(first, HotRoute("/things/{name}/order", serve))
    authentication = Authentication.create(settings, "probe-service")
    authentication.trust.apply(TrustUpdate(cursor=0))
    first.state.container = second.state.container = SimpleNamespace(authentication=authentication)
    return first, second


@pytest.fixture
async def clients(
    apps: tuple[FastAPI, FastAPI],
) -> AsyncIterator[Clients]:
    transports = [httpx.ASGITransport(app, raise_app_exceptions=False) for app in apps]
    async with (
        httpx.AsyncClient(transport=transports[0], base_url="http://probe") as hot,
        httpx.AsyncClient(transport=transports[1], base_url="http://probe") as plain,
    ):
        yield hot, plain


JSON = {"Content-Type": "application/json", "X-Request-Id": "one"}
ALICE = bearer(7) | JSON
READER = bearer(7, api_key={"id": 1, "scopes": ["read"], "cap": None}) | JSON
PATH = "/things/shoes/order"
VALID = b'{"amount": 3}'
REQUESTS: dict[str, dict[str, Any]] = {
    "valid": {"headers": ALICE, "content": VALID},
    "charset": {"headers": ALICE | {"Content-Type": "application/json; charset=utf-8"}, "content": VALID},
    "key": {"headers": ALICE | {"Idempotency-Key": "abc"}, "content": VALID},
    "refused by the endpoint": {"headers": ALICE, "content": b'{"amount": 13}'},
    "crash of the endpoint": {"headers": ALICE, "content": b'{"amount": 500}'},
    "empty key": {"headers": ALICE | {"Idempotency-Key": ""}, "content": VALID},
    "key with a space": {"headers": ALICE | {"Idempotency-Key": "a b"}, "content": VALID},
    "key too long": {"headers": ALICE | {"Idempotency-Key": "k" * 201}, "content": VALID},
    "anonymous": {"headers": JSON, "content": VALID},
    "wrong scope": {"headers": READER, "content": VALID},
    "no JSON": {"headers": ALICE, "content": b"{"},
    "wrong type": {"headers": ALICE, "content": b'{"amount": "3"}'},
    "unknown field": {"headers": ALICE, "content": b'{"amount": 3, "b": 1}'},
    "NaN": {"headers": ALICE, "content": b'{"amount": NaN}'},
    "no body": {"headers": ALICE, "content": b""},
    "form": {"headers": ALICE | {"Content-Type": "application/x-www-form-urlencoded"}, "content": b"a=1"},
    "no type": {"headers": bearer(7) | {"X-Request-Id": "one"}, "content": VALID},
    "query": {"headers": ALICE, "content": VALID, "url": PATH + "?a=1"},
    "other path": {"headers": ALICE, "content": VALID, "url": "/things/a/b/order"},
    "no name": {"headers": ALICE, "content": VALID, "url": "/things//order"},
    "encoded name": {"headers": ALICE, "content": VALID, "url": "/things/a%20b/order"},
    "other method": {"headers": ALICE, "content": VALID, "method": "PUT"},
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_answer_equals_that_of_fastapi(clients: Clients, request_: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"method": "POST", "url": PATH} | request_
    hot, plain = [await client.request(**arguments) for client in clients]
    assert hot.status_code == plain.status_code
    assert hot.content == plain.content
    assert hot.headers == plain.headers


async def test_valid_request_takes_the_short_way(clients: Clients, served: list[str]) -> None:
    await clients[0].post(PATH, headers=ALICE, content=VALID)
    await clients[0].post(PATH, headers=ALICE, content=b"{}")
    assert served == ["shoes"]


async def test_metrics_count_a_hot_request_by_its_pattern(
    clients: Clients,
) -> None:
    await clients[0].post(PATH, headers=ALICE, content=VALID)
    page = (await clients[0].get("/metrics")).text
    assert 'farebox_requests_total{method="POST",route="/things/{name}/order",status="200"}' in page


class Cycle:
    """The part of uvicorn's object that serves a request."""

    disconnected = False

    async def receive(self) -> dict[str, Any]:
        raise AssertionError("it would wait for the end of the connection")


def test_disconnect_is_seen_without_receiving() -> None:
    cycle = Cycle()
    request = HotRequest({"headers": []}, cycle.receive, "")
    before, cycle.disconnected = request.is_disconnected(), True
    assert (before, request.is_disconnected()) == (False, True)


def test_client_counts_as_connected_where_its_server_is_unknown() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert not HotRequest({"headers": []}, receive, "").is_disconnected()


@pytest.mark.parametrize(
    ("sent", "length"), [(b"0", 0), (b"17", 17), (b"-1", 0), (b"1e3", 0), (b"9" * 40, 0), (None, 0)]
)
def test_announced_length_of_a_body_is_read(sent: bytes | None, length: int) -> None:
    async def receive() -> dict[str, object]:
        return {}

    headers = [] if sent is None else [(b"content-length", sent)]
    request = HotRequest({"type": "http", "headers": headers}, receive, "name")  # type: ignore[arg-type] - a message of ASGI
    assert request.content_length == length
