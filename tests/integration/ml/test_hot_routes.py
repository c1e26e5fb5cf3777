"""Predictions on the hot routes: each answer equals that of FastAPI."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from tests.integration.ml.service import ADA, BOB, PENGUIN, Service, run_service
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

from kit.hot_routes import HotRoutes
from kit.identity import UserId

JSON = {"Content-Type": "application/json", "X-Request-Id": "one"}
ALICE = bearer(ADA) | JSON
MODEL = "1_penguins"
PLENTY = 10_000

Request = dict[str, Any]  # Any: arguments of httpx


@pytest.fixture
async def plain(idle: Service, database: Database, tmp_path: Path) -> AsyncIterator[Service]:
    """The service `idle` without hot routes, and with a wallet of its own."""
    billing = MemoryBilling()
    for user in (ADA, BOB):
        billing.grant(user, 100)
    assert idle.store == tmp_path
    async with run_service(database, tmp_path, billing) as running:
        app = running.app
        app.user_middleware = [each for each in app.user_middleware if each.cls is not HotRoutes]
        app.middleware_stack = None
        yield running


def one(**cells: object) -> bytes:
    return orjson.dumps({"features": PENGUIN | cells})


def both(**arguments: Any) -> list[Request]:  # Any: as above
    """The request to `/v1`, and the same to the course's route."""
    request: Request = {"content": one(), "headers": ALICE, "model": MODEL} | arguments
    return [
        {"url": f"/v1/models/{request['model']}/predict", **request},
        {"url": f"/predict/{request['model']}", **request},
    ]


REQUESTS: list[Request] = [
    *both(),
    *both(content=orjson.dumps(PENGUIN)),
    *both(content=one(island="Atlantis")),
    *both(content=one(year="2008", sex=None)),
    *both(content=one(year="many")),
    *both(content=one(colour="red")),
    *both(content=b'{"features": {}}'),
    *both(content=b'{"features": null}'),
    *both(content=b"{}"),
    *both(content=b"[]"),
    *both(content=b'"text"'),
    *both(content=b"null"),
    *both(content=b""),
    *both(content=b"{"),
    *both(content=b'{"features": {"year": NaN}}'),
    *both(content=b'{"features": {"year": 1e999}}'),
    *both(content=b'{"features": "\xff"}'),
    *both(content=orjson.dumps({"features": PENGUIN, "rows": [PENGUIN]})),
    *both(content=orjson.dumps({"rows": [PENGUIN] * 3})),
    *both(content=orjson.dumps({"rows": [PENGUIN, {}]})),
    *both(content=orjson.dumps({"rows": []})),
    *both(content=orjson.dumps({"features": PENGUIN, "probabilities": True})),
    # Large ones are read and predicted in a process; invalid rows of them are refunded, so not here.
    *both(content=one() + b" " * 70_000),
    *both(content=orjson.dumps(PENGUIN) + b" " * 70_000),
    both(content=orjson.dumps({"rows": [PENGUIN] * 600, "probabilities": True, "coverage": 0.9}))[0],
    both(content=orjson.dumps({"rows": [*[PENGUIN] * 600, 5]}))[0],
    *both(content=b"{" + b" " * 70_000),
    *both(headers=JSON, content=one() + b" " * 70_000),
    *both(headers=bearer(BOB) | JSON, content=one() + b" " * 70_000),
    *both(content=orjson.dumps({"features": PENGUIN, "probabilities": 1})),
    *both(content=orjson.dumps({"rows": [PENGUIN] * 60, "coverage": 0.9})),
    *both(content=orjson.dumps({"features": PENGUIN, "coverage": 1})),
    *both(content=orjson.dumps({"features": PENGUIN, "coverage": "0.9"})),
    *both(content=orjson.dumps({"features": PENGUIN, "more": 1})),
    *both(model="1_nothing"),
    *both(model="logistic"),
    *both(model="linear"),
    *both(model="a%00b"),
    *both(model="a%2Fb"),
    *both(model="x" * 201),
    *both(headers=JSON),
    *both(headers=JSON, content=b"{"),
    *both(headers=JSON | {"Authorization": "Bearer nonsense"}),
    *both(headers=JSON | {"Authorization": "Basic YTpi"}),
    *both(headers=bearer(ADA, lifetime=-1) | JSON),
    *both(headers=bearer(ADA, api_key={"id": 1, "scopes": ["predict"], "cap": None}) | JSON),
    *both(headers=bearer(ADA, api_key={"id": 1, "scopes": ["predict"], "cap": 0}) | JSON),
    *both(headers=bearer(ADA, api_key={"id": 1, "scopes": ["read"], "cap": None}) | JSON),
    *both(headers=bearer(BOB) | JSON),
    *both(headers=ALICE | {"Idempotency-Key": ""}),
    *both(headers=ALICE | {"Idempotency-Key": "a b"}),
    *both(headers=ALICE | {"Idempotency-Key": "k" * 201}),
    *both(headers=ALICE | {"Idempotency-Key": "k" * 201}, content=b'{"nothing": 1}'),
    *both(headers=ALICE | {"Content-Type": "application/json; charset=utf-8"}),
    *both(headers=ALICE | {"Content-Type": "application/problem+json"}),
    *both(headers=ALICE | {"Content-Type": "text/plain"}),
    *both(headers=bearer(ADA) | {"X-Request-Id": "one"}),
    *(request | {"params": {"key": "value"}} for request in both()),
]


async def send(service: Service, request: Request) -> httpx.Response:
    arguments = {name: value for name, value in request.items() if name != "model"}
    return await service.client.post(**arguments)


def has_hot_routes(service: Service) -> bool:
    return any(each.cls is HotRoutes for each in service.app.user_middleware)


def comparable(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    return answer.status_code, sorted(answer.headers.items()), answer.content


async def test_every_answer_equals_that_of_fastapi(idle: Service, plain: Service, model: str) -> None:
    assert model == MODEL
    assert [has_hot_routes(service) for service in (idle, plain)] == [True, False]
    for service in (idle, plain):
        service.billing.wallets[UserId(ADA)].posted = PLENTY
    statuses: set[int] = set()
    for request in REQUESTS:
        hot, slow = await send(idle, request), await send(plain, request)
        assert comparable(hot) == comparable(slow), request
        statuses.add(hot.status_code)
    assert statuses == {200, 400, 401, 402, 403, 404, 422}


@pytest.mark.parametrize("request_", both(), ids=["v1", "course"])
async def test_replay_and_refusal_equal_those_of_fastapi(
    idle: Service,
    plain: Service,
    model: str,  # noqa: ARG001 - inserts the model
    request_: Request,
) -> None:
    answers: list[list[tuple[int, list[tuple[str, str]], bytes]]] = []
    for name, service in (("hot", idle), ("slow", plain)):
        keyed = request_ | {"headers": ALICE | {"Idempotency-Key": name}}
        sent = [keyed, keyed, keyed | {"content": one(year=2007)}]
        answers.append([comparable(await send(service, each)) for each in sent])
        service.billing.wallets[UserId(ADA)].posted = 4
        answers[-1].append(comparable(await send(service, request_)))
        service.billing.unavailable = True
        answers[-1].append(comparable(await send(service, request_)))
    assert answers[0] == answers[1]
    assert [status for status, _, _ in answers[0]] == [200, 200, 422, 402, 503]
