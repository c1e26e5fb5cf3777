"""One caller's open requests, streams and slow bodies leave other callers' requests answered."""

import asyncio
import resource
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import Attacker, RunningGateway, StartGateway, statuses
from tests.integration.gateway.upstream import FakeUpstream
from tests.support.problems import assert_problem
from tests.support.tokens import access_token, bearer

from gateway.main import POOL_SIZES
from gateway.routing import Pool

MINE = b"Authorization: Bearer " + access_token(7).encode() + b"\r\n"
EVENTS = b"GET /v1/jobs/1/events HTTP/1.1\r\nHost: a\r\n" + MINE + b"\r\n"
QUOTE = b"POST /v1/quotes HTTP/1.1\r\nHost: a\r\n" + MINE + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
REFRESH = (
    b"POST /v1/sessions/refresh HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nContent-Length: 9\r\n\r\n{"
)
# A bystander's request takes milliseconds; the rest is for a busy machine.
BYSTANDER_SECONDS = 2.0

StartAttack = Callable[[RunningGateway], Attacker]


@pytest.fixture(autouse=True)
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest_asyncio.fixture
async def attack() -> AsyncGenerator[StartAttack]:
    attackers: list[Attacker] = []

    def start_attack(gateway: RunningGateway) -> Attacker:
        attackers.append(Attacker(gateway.port))
        return attackers[-1]

    yield start_attack
    for attacker in attackers:
        attacker.close()


@pytest.fixture
def events(upstream: FakeUpstream) -> None:
    """Event streams that stay open until their client disconnects."""

    async def send_events(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: 0\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    upstream.responders["/v1/jobs/1/events"] = send_events


@pytest.fixture
def work(upstream: FakeUpstream) -> Iterator[asyncio.Event]:
    """Trainings that last until this event."""
    done = asyncio.Event()

    async def wait(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await done.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    upstream.responders["/create"] = wait
    yield done
    done.set()


async def assert_others_are_served(gateway: RunningGateway) -> None:
    """Requests of another user to each service, and a public one of another address."""
    before = time.monotonic()
    for path in ("/v1/me", "/v1/me/wallet", "/v1/models"):
        assert (await gateway.client.get(path, headers=bearer(8))).status_code == 200
    forwarded = {"X-Forwarded-For": "2.2.2.2"}
    response = await gateway.client.post("/v1/sessions/refresh", json={}, headers=forwarded)
    assert response.status_code == 200
    assert time.monotonic() - before < BYSTANDER_SECONDS


@pytest.mark.parametrize("count", [300, 2100])
@pytest.mark.usefixtures("events")
async def test_open_streams_of_one_user_leave_others_served(
    start: StartGateway, attack: StartAttack, count: int
) -> None:
    gateway = await start(trusted_proxies="127.0.0.1")
    readers = await attack(gateway).open(EVENTS, count)
    assert await statuses(readers) == {200: 10, 429: count - 10}
    await assert_others_are_served(gateway)
    assert (await gateway.client.get("/v1/models", headers=bearer(7))).status_code == 200


@pytest.mark.usefixtures("events")
async def test_stream_beyond_the_limit_is_refused_until_another_is_closed(
    start: StartGateway, attack: StartAttack
) -> None:
    gateway = await start(max_open_streams=2)
    attacker = attack(gateway)
    assert await statuses(await attacker.open(EVENTS, 2)) == {200: 2}
    refused = await gateway.client.get("/v1/jobs/1/events", headers=bearer(7))
    assert_problem(refused, 429, "too_many_streams")
    assert int(refused.headers["retry-after"]) > 0
    attacker.close()
    await _until(lambda: _opens_stream(gateway))


@pytest.mark.usefixtures("events")
async def test_streams_of_many_users_leave_requests_served(
    start: StartGateway, attack: StartAttack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(POOL_SIZES, Pool.STREAMS, 10)
    gateway = await start(max_open_streams=1000, trusted_proxies="127.0.0.1")
    assert await statuses(await attack(gateway).open(EVENTS, 20)) == {200: 10, 503: 10}
    await assert_others_are_served(gateway)


async def test_full_pool_of_one_service_leaves_the_others_served(
    start: StartGateway, attack: StartAttack, work: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(POOL_SIZES, Pool.UPLOADS, 5)
    gateway = await start(trusted_proxies="127.0.0.1")
    request = b"POST /create HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n" + MINE + b"\r\n{}"
    readers = await attack(gateway).open(request, 10)
    assert await statuses(readers[5:]) == {503: 5}
    await assert_others_are_served(gateway)
    work.set()
    assert await statuses(readers[:5]) == {200: 5}


async def test_request_beyond_the_limit_in_flight_is_refused_until_one_ends(
    start: StartGateway, work: asyncio.Event
) -> None:
    gateway = await start(max_requests_in_flight=3)
    trainings = [
        asyncio.create_task(gateway.client.post("/create", content=b"{}", headers=bearer(7)))
        for _ in range(3)
    ]
    await _until(lambda: _is_refused(gateway))
    refused = await gateway.client.get("/v1/models", headers=bearer(7))
    assert_problem(refused, 429, "too_many_in_flight")
    assert int(refused.headers["retry-after"]) > 0
    assert (await gateway.client.get("/v1/models", headers=bearer(8))).status_code == 200
    assert (await gateway.client.get("/livez")).status_code == 200
    work.set()
    assert {response.status_code for response in await asyncio.gather(*trainings)} == {200}
    assert (await gateway.client.get("/v1/models", headers=bearer(7))).status_code == 200


async def test_2000_trickled_bodies_of_one_user_leave_others_served(
    start: StartGateway, attack: StartAttack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pool in POOL_SIZES:
        monkeypatch.setitem(POOL_SIZES, pool, 5)
    gateway = await start(trusted_proxies="127.0.0.1", body_silence_seconds=1, max_requests_in_flight=40)
    attacker = attack(gateway)
    readers = await attacker.open(QUOTE, 2000)
    await assert_others_are_served(gateway)
    await attacker.send(b"1\r\n1\r\n")
    received = await statuses(readers)
    # More than 40, if the first have ended before the last begin.
    assert received.keys() == {408, 429}
    assert received[408] < 1000


async def test_trickled_bodies_of_many_callers_take_no_connection(
    start: StartGateway, attack: StartAttack, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pool in POOL_SIZES:
        monkeypatch.setitem(POOL_SIZES, pool, 5)
    gateway = await start(trusted_proxies="127.0.0.1", max_requests_in_flight=1000)
    await attack(gateway).open(QUOTE, 100)
    await attack(gateway).open(REFRESH, 100)
    await assert_others_are_served(gateway)
    assert len(upstream.requests) == 4


async def test_trickled_public_bodies_of_one_address_leave_others_served(
    start: StartGateway, attack: StartAttack
) -> None:
    gateway = await start(trusted_proxies="127.0.0.1", body_silence_seconds=0.5, max_requests_in_flight=20)
    readers = await attack(gateway).open(REFRESH, 60)
    await assert_others_are_served(gateway)
    assert (await statuses(readers)).keys() == {408, 429}


async def _opens_stream(gateway: RunningGateway) -> bool:
    async with gateway.client.stream("GET", "/v1/jobs/1/events", headers=bearer(7)) as response:
        return response.status_code == 200


async def _is_refused(gateway: RunningGateway) -> bool:
    return (await gateway.client.get("/v1/models", headers=bearer(7))).status_code == 429


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(BYSTANDER_SECONDS * 5):
        while not await condition():  # noqa: ASYNC110 - the gateway offers no event to wait for
            await asyncio.sleep(0.02)
