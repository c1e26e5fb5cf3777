"""Bodies of the course API."""

import asyncio
import json
import time

import httpx
import pytest
from tests.integration.ml.service import ADA, DATA, PENGUIN, Json, Service, eventually
from tests.integration.ml.serving import serving
from tests.support.tokens import bearer

FEATURES = list(PENGUIN)
CHARGED = ("x-tokens-charged", "x-tokens-balance", "x-receipt-id")


async def test_create_trains_and_predict_answers(service: Service) -> None:
    created = await service.client.post(
        "/create",
        data={"model_type": "logistic", "feature_cols": json.dumps(FEATURES), "label_col": "species"},
        files={"csv_file": ("penguins.csv", (DATA / "penguins.csv").read_bytes())},
        headers=bearer(ADA),
    )
    assert created.status_code == 200, created.text
    body = created.json()
    assert body["status"] == "success"
    assert body["tokens_deducted"] == 1
    answer = await service.client.post(
        f"/predict/{body['model_name']}", json={"features": PENGUIN}, headers=bearer(ADA)
    )
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"status": "success", "prediction": "Gentoo", "tokens_deducted": 5}


async def test_retry_of_create_receives_the_same_charge(service: Service) -> None:
    async def create() -> httpx.Response:
        return await service.client.post(
            "/create",
            data={"model_type": "logistic", "feature_cols": json.dumps(FEATURES), "label_col": "species"},
            files={"csv_file": ("penguins.csv", (DATA / "penguins.csv").read_bytes())},
            headers={**bearer(ADA), "Idempotency-Key": "train-once"},
        )

    first, again = await create(), await create()
    assert again.json() == first.json()
    charged = [{name: answer.headers[name] for name in CHARGED} for answer in (first, again)]
    assert charged[0] == charged[1]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


async def test_dataset_of_create_gets_its_details_when_it_is_shown(service: Service) -> None:
    created = await service.client.post(
        "/create",
        data={"model_type": "logistic", "feature_cols": json.dumps(FEATURES), "label_col": "species"},
        files={"csv_file": ("penguins.csv", (DATA / "penguins.csv").read_bytes())},
        headers=bearer(ADA),
    )
    assert created.status_code == 200, created.text
    listed = (await service.client.get("/v1/datasets", headers=bearer(ADA))).json()["items"]
    shown = await service.client.get(f"/v1/datasets/{listed[0]['id']}", headers=bearer(ADA))
    assert shown.json() == await service.upload()
    assert shown.json()["columns"][0]["distinct"] == 3


# Enough for a busy machine to receive and inspect the file.
WAITED_MS = 6000
FORM = {"model_type": "logistic", "feature_cols": json.dumps(FEATURES), "label_col": "species"}


def create_within(client: httpx.AsyncClient, milliseconds: int) -> "asyncio.Task[httpx.Response]":
    """POST /create as the gateway forwards it, with the time that the client waits."""
    headers = {**bearer(ADA), "X-Request-Timeout-Ms": str(milliseconds)}
    files = {"csv_file": ("penguins.csv", (DATA / "penguins.csv").read_bytes())}
    return asyncio.create_task(client.post("/create", data=FORM, files=files, headers=headers))


async def only_job(service: Service) -> Json | None:
    jobs = (await service.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"]
    return jobs[0] if jobs else None


async def test_training_over_the_time_of_the_request_is_cancelled_and_free(idle: Service) -> None:
    answer = await create_within(idle.client, WAITED_MS)
    assert (answer.status_code, answer.json()["code"]) == (503, "training_timed_out")
    assert int(answer.headers["retry-after"]) > 0
    job = await idle.ended(await eventually(lambda: only_job(idle)))
    assert (job["state"], job["tokens_charged"]) == ("cancelled", 0)
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (100, 0)


async def test_training_whose_charge_is_near_at_the_deadline_is_answered(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, settle = 8, service.billing.settle
    until = time.monotonic() + seconds + 0.3

    async def settle_late(*arguments: object) -> object:
        await asyncio.sleep(until - time.monotonic())
        return await settle(*arguments)  # pyright: ignore[reportArgumentType] - passed through

    monkeypatch.setattr(service.billing, "settle", settle_late)
    answer = await create_within(service.client, seconds * 1000)
    assert answer.status_code == 200, answer.text


async def test_training_continues_without_its_client_beyond_the_deadline(idle: Service) -> None:
    async with serving(idle.app) as address, httpx.AsyncClient(base_url=address) as client:
        creating = create_within(client, WAITED_MS)
        until = time.monotonic() + WAITED_MS / 1000 + 1
        job = await eventually(lambda: only_job(idle))
        creating.cancel()
        await asyncio.gather(creating, return_exceptions=True)
        await asyncio.sleep(until - time.monotonic())
    job = await idle.job(job["id"])
    assert (job["state"], job["cancel_requested"]) == ("queued", False)


async def test_request_after_its_deadline_starts_no_training(idle: Service) -> None:
    answer = await create_within(idle.client, 0)
    assert (answer.status_code, answer.json()["code"]) == (503, "deadline_passed")
    assert "hold" not in idle.billing.calls
    assert idle.stored("uploads") == set()
