"""What must be so again after an outage: everything works, and each token is explained."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from tests.support.people import Person
from tests.support.training import Json, ended
from tests.support.trickle import Trickle


async def assert_back(trickle: Trickle, until: float) -> None:
    """Registering needs auth and billing, predicting ml and billing, all of it the gateway."""
    http = trickle.user.http
    await _retried(lambda: http.get("/readyz"), until)
    account = {"name": f"back-{time.monotonic_ns()}@example.org", "password": "it is back again"}
    await _retried(lambda: http.post("/v1/users", json=account), until, accepted=(201, 409))


async def _retried(
    send: Callable[[], Awaitable[httpx.Response]], until: float, accepted: tuple[int, ...] = (200,)
) -> None:
    while True:
        try:
            answer: httpx.Response | None = await send()
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code in accepted:
            return
        assert time.monotonic() < until, answer and answer.text
        await asyncio.sleep(0.2)


async def all_answered(trickle: Trickle, until: float) -> list[Json]:
    """Each prediction that was ever asked for, asked again with its key."""
    asked: list[Awaitable[Json]] = [
        trickle.answered(trickle.predict, key, until) for key in trickle.predictions
    ]
    return await asyncio.gather(*asked)


async def all_ended(trickle: Trickle, until: float) -> list[Json]:
    """The job of each training that was ever asked for, once it has ended."""
    jobs = await asyncio.gather(*[trickle.answered(trickle.train, key, until) for key in trickle.trainings])
    return [await ended(trickle.user, job["id"], within=until - time.monotonic()) for job in jobs]


async def assert_paid_for_what_there_is(user: Person, predicted: list[Json], trained: list[Json]) -> None:
    succeeded = [job for job in trained if job["state"] == "succeeded"]
    for job in trained:
        assert job["state"] in {"succeeded", "failed"}, job
        assert job["tokens_charged"] == (1 if job in succeeded else 0), job
    for job in succeeded:
        answer = await user.get(f"/v1/models/{job['model_name']}")
        assert answer.status_code == 200, answer.text
    paid = {each["receipt_id"] for each in [*predicted, *succeeded]}
    charges = [row async for row in _ledger(user) if row["kind"] == "charge"]
    first_model = charges[-1]["receipt_id"]
    assert {row["receipt_id"] for row in charges} == paid | {first_model}
    assert len(charges) == len(predicted) + len(succeeded) + 1


async def _ledger(user: Person) -> AsyncIterator[Json]:
    token: str | None = ""
    while token is not None:
        query = {"page_size": 200} | ({"page_token": token} if token else {})
        page = (await user.get("/v1/me/ledger", params=query)).json()
        token = page["next_page_token"]
        for row in page["items"]:
            yield row
