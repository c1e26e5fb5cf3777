"""Verification after a fault: what the people were answered against what the stack has stored."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg

from tests.drill.stack import DrillStack
from tests.drill.workload import Json, Worker
from tests.support.books import assert_books_balance
from tests.support.training import ended

RECOVERY_SECONDS = 60.0
# The age at which orphans are deleted, and the time that it takes.
SWEEP_SECONDS = 130.0
REFUND_SECONDS = 30.0
# A hold whose job was not stored, and that could not be released, ends after 60 s.
HOLD_SECONDS = 75.0
PAUSE_SECONDS = 0.25
MOST_REPLAYED = 10
CHARGED = {"predict", "verify", "batch", "create"}
# y = 3 * x + 2 at x = 10; a forest of so few rows is less exact.
EXPECTED, TOLERANCE = 32.0, {"linear": 1e-6, "random_forest": 12.0}


async def verify(stack: DrillStack, workers: Sequence[Worker]) -> float:
    """Raises AssertionError for the first thing that is wrong; returns the seconds until all was healthy."""
    started = time.monotonic()
    await stack.wait_until_ready(RECOVERY_SECONDS)
    until = started + RECOVERY_SECONDS
    await asyncio.gather(*(_finish_all(worker, until) for worker in workers))
    recovered = time.monotonic() - started
    await asyncio.gather(*(_verify_worker(worker) for worker in workers))
    await asyncio.to_thread(assert_books_balance, stack.public, 30)
    _, missing = await _compare(stack)
    assert not missing, f"rows without a file: {missing}"
    wrong = [fault for worker in workers for fault in worker.wrong]
    assert not wrong, "\n".join(wrong[:10])
    return recovered


async def _finish_all(worker: Worker, until: float) -> None:
    """Find out the outcome of every request, and wait for the end of every job."""
    await asyncio.gather(*(worker.finish(attempt, until) for attempt in worker.attempts))


async def _verify_worker(worker: Worker) -> None:
    jobs = [
        await ended(worker.user, attempt.answer.json()["id"])
        for attempt in worker.attempts
        if attempt.kind == "train" and attempt.answer is not None
    ]
    for job in jobs:
        assert job["state"] in {"succeeded", "failed"}, job
        assert (job["tokens_charged"] > 0) == (job["state"] == "succeeded"), job
    await _verify_models(worker)
    await _verify_receipts(worker, jobs)
    await _verify_balance(worker)
    for attempt in worker.random.sample(worker.attempts, min(MOST_REPLAYED, len(worker.attempts))):
        await worker.try_once(attempt)
    _forget(worker, jobs)


async def _verify_receipts(worker: Worker, jobs: Sequence[Json]) -> None:
    """Each answer has one charge, and each charge that is not refunded has an answer."""
    paid = {attempt.receipt for attempt in worker.attempts if attempt.kind in CHARGED}
    paid |= {job["receipt_id"] for job in jobs if job["state"] == "succeeded"}
    deadline = time.monotonic() + REFUND_SECONDS
    while (kept := await _kept_charges(worker)) != paid:
        assert time.monotonic() < deadline, (
            f"charged without an answer: {kept - paid}; answered without a charge: {paid - kept}"
        )
        await asyncio.sleep(PAUSE_SECONDS)


async def _kept_charges(worker: Worker) -> set[str | None]:
    rows = [row async for row in _ledger(worker)]
    refunded = {row["note"].removeprefix("receipt ") for row in rows if row["kind"] == "refund"}
    return {row["receipt_id"] for row in rows if row["kind"] == "charge"} - refunded - worker.verified


async def _ledger(worker: Worker) -> AsyncIterator[Json]:
    token: str | None = ""
    while token is not None:
        query = {"page_size": 200} | ({"page_token": token} if token else {})
        page = (await worker.user.get("/v1/me/ledger", params=query)).json()
        token = page["next_page_token"]
        for row in page["items"]:
            yield row


async def _verify_models(worker: Worker) -> None:
    """Every listed model predicts the line that it was trained on; forests come near."""
    answer = await worker.user.get("/v1/models", params={"page_size": 200})
    for model in answer.json()["items"]:
        predicted = await worker.predict_with(model["name"])
        assert abs(predicted - EXPECTED) <= TOLERANCE[model["type"]], (model["name"], predicted)
        if model["name"] != worker.model:
            worker.old_models.add(model["name"])


async def _verify_balance(worker: Worker) -> None:
    """The wallet holds what was put in, less the charges that stand."""
    rows = [row async for row in _ledger(worker)]
    total, deadline = sum(row["amount"] for row in rows), time.monotonic() + HOLD_SECONDS
    while (balance := await worker.user.balance()) != total:
        assert time.monotonic() < deadline, (total, balance)
        await asyncio.sleep(PAUSE_SECONDS)
    bought = {
        attempt.answer.json()["receipt_id"]
        for attempt in worker.attempts
        if attempt.kind == "purchase" and attempt.answer
    }
    assert bought <= {row["receipt_id"] for row in rows}, "a purchase is missing in the ledger"


async def verify_store(stack: DrillStack) -> None:
    """At the end, after a sweep, there is a file for each row and a row for each file."""
    deadline = time.monotonic() + SWEEP_SECONDS
    while (difference := await _compare(stack)) != (set(), set()):
        assert time.monotonic() < deadline, (
            f"files without a row: {difference[0]}; rows without a file: {difference[1]}"
        )
        await asyncio.sleep(1)


async def _compare(stack: DrillStack) -> tuple[set[str], set[str]]:
    connection = await stack.connect()
    try:
        needed = await _needed(connection)
    finally:
        await connection.close()
    stored = set(_stored(stack.store_disk.folder))
    return stored - needed, needed - stored


async def _needed(connection: asyncpg.Connection) -> set[str]:
    queries = (
        "SELECT 'artefacts/' || artefact FROM ml.models",
        "SELECT location FROM ml.datasets",
        "SELECT location FROM ml.idempotency_keys WHERE location IS NOT NULL",
        "SELECT result->>'location' FROM ml.jobs WHERE kind = 'batch' AND state = 'succeeded'",
    )
    return {str(row[0]) for query in queries for row in await connection.fetch(query)}


def _stored(store: Path) -> list[str]:
    folders = list((store / "artefacts").glob("*"))
    files = [
        path
        for name in ("uploads", "results")
        for path in (store / name).glob("*")
        if path.suffix != ".arrow"
    ]
    staged = list((store / "staging").glob("*"))
    return [str(path.relative_to(store)) for path in (*folders, *files, *staged)]


def _forget(worker: Worker, jobs: Sequence[Json]) -> None:
    """Keep what later rounds compare, and drop the requests of this one."""
    receipts = {attempt.receipt for attempt in worker.attempts} | {job["receipt_id"] for job in jobs}
    worker.verified |= {receipt for receipt in receipts if receipt is not None}
    uploaded = (attempt.answer for attempt in worker.attempts if attempt.kind == "upload")
    worker.old_datasets |= {int(answer.json()["id"]) for answer in uploaded if answer is not None}
    worker.old_datasets.discard(worker.dataset_id)
    worker.attempts.clear()
