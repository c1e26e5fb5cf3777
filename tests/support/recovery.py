"""Checks after an outage: the stack works, each request had one effect, and the books balance."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from tests.support.background_load import BackgroundLoad
from tests.support.people import Person
from tests.support.training import Json, ended

REFUND_SECONDS = 15


async def assert_recovered(load: BackgroundLoad, until: float) -> None:
    """Wait until users can register, which needs gateway, auth and billing; the load covers ml-service."""
    http = load.user.http
    await _retry(lambda: http.get("/readyz"), until)
    account = {"name": f"back-{time.monotonic_ns()}@example.org", "password": "it is back again"}
    await _retry(lambda: http.post("/v1/users", json=account), until, accepted=(201, 409))


async def _retry(
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


async def all_predictions(load: BackgroundLoad, until: float) -> list[Json]:
    """The answers to all sent predictions, each retried with its key."""
    return await asyncio.gather(*[load.answer(load.predict, key, until) for key in load.predictions])


async def all_jobs(load: BackgroundLoad, until: float) -> list[Json]:
    """The ended jobs of all sent trainings."""
    jobs = await asyncio.gather(*[load.answer(load.train, key, until) for key in load.trainings])
    return [await ended(load.user, job["id"], within=until - time.monotonic()) for job in jobs]


async def assert_charges_match_results(user: Person, predicted: list[Json], trained: list[Json]) -> None:
    """Assert one charge per prediction and trained model, plus that of the first model, and no other."""
    succeeded = [job for job in trained if job["state"] == "succeeded"]
    for job in trained:
        assert job["state"] in {"succeeded", "failed"}, job
        assert job["tokens_charged"] == (1 if job in succeeded else 0), job
    for job in succeeded:
        answer = await user.get(f"/v1/models/{job['model_name']}")
        assert answer.status_code == 200, answer.text
    paid = {result["receipt_id"] for result in [*predicted, *succeeded]}
    charges = await _kept_charges(user, len(predicted) + len(succeeded) + 1)
    assert set(charges) == paid | {charges[-1]}
    assert len(charges) == len(predicted) + len(succeeded) + 1


async def _kept_charges(user: Person, expected: int) -> list[str]:
    """Receipts of the charges that are not refunded, newest first; waits for refunds that are still to come.

    A charge whose answer was lost in an outage is refunded, and its retry is charged anew.
    """
    until = time.monotonic() + REFUND_SECONDS
    while True:
        rows = [row async for row in _ledger(user)]
        refunded = {row["note"].removeprefix("receipt ") for row in rows if row["kind"] == "refund"}
        charges = [row["receipt_id"] for row in rows if row["kind"] == "charge"]
        kept = [receipt for receipt in charges if receipt not in refunded]
        if len(kept) <= expected or time.monotonic() >= until:
            return kept
        await asyncio.sleep(0.2)


async def _ledger(user: Person) -> AsyncIterator[Json]:
    token: str | None = ""
    while token is not None:
        query = {"page_size": 200} | ({"page_token": token} if token else {})
        page = (await user.get("/v1/me/ledger", params=query)).json()
        token = page["next_page_token"]
        for row in page["items"]:
            yield row
