"""Trainings: requests, holds, jobs and charges."""

import asyncio

import httpx
import orjson
import pytest
from tests.integration.ml.service import ADA, BOB, Service
from tests.integration.ml.serving import serving
from tests.support.tokens import bearer


async def test_training_is_accepted_with_its_job(idle: Service) -> None:
    answer = await idle.request_training(name="first")
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["state"], job["model_name"], job["tokens_held"]) == ("queued", "1_first", 1)
    assert idle.billing.held(ADA) == 1


async def test_trained_model_is_charged_once_and_shown(service: Service) -> None:
    job = await service.train(type="linear", label="body_mass_g", missing_label="drop")
    assert (job["percent"], job["tokens_charged"], job["error"]) == (100, 1, None)
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (99, 0)
    answer = await service.client.get(f"/v1/models/{job['model_name']}", headers=bearer(ADA))
    model = answer.json()
    assert (model["task"], model["label"], model["job_id"]) == ("regression", "body_mass_g", job["id"])
    assert model["metrics"]["r2_score"] > 0.7 > model["baseline"]["r2_score"]
    assert model["recipe"]["training_rows"] + model["recipe"]["test_rows"] == model["recipe"]["rows"]


async def test_training_with_a_split_in_time_records_it(service: Service) -> None:
    dataset = await service.upload("seattle-weather.csv")
    split = {"by": "time", "column": "date"}
    job = await service.train(dataset_id=dataset["id"], type="linear", label="temp_max", split=split)
    assert job["order"]["split"] == split
    url = f"/v1/models/{job['model_name']}"
    model = (await service.client.get(url, headers=bearer(ADA))).json()
    assert model["recipe"]["spec"]["split"] == split
    report = (await service.client.get(f"{url}/report?format=json", headers=bearer(ADA))).json()
    recorded = {name: value for name, value in report["recipe"]["split"].items() if value is not None}
    assert recorded == {**split, "training_until": "2015-03-13", "test_from": "2015-03-14"}


@pytest.mark.parametrize(
    ("split", "code"),
    [
        ({"by": "time", "column": "day"}, "unknown_column"),
        ({"by": "time", "column": "weather"}, "split_not_in_time"),
        ({"by": "group"}, "invalid_training_spec"),
    ],
)
async def test_impossible_split_is_refused_before_the_hold(
    split: dict[str, str], code: str, idle: Service
) -> None:
    dataset = await idle.upload("seattle-weather.csv")
    answer = await idle.request_training(
        dataset_id=dataset["id"], type="linear", label="temp_max", split=split
    )
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert idle.billing.held(ADA) == 0


async def test_automatic_name_contains_user_type_and_time(idle: Service) -> None:
    name = (await idle.start())["model_name"]
    user, kind, day, clock, micros = name.split("_")
    assert (user, kind) == ("1", "logistic")
    assert (len(day), len(clock), len(micros)) == (8, 6, 6)


async def test_model_is_hidden_until_trained(idle: Service) -> None:
    job = await idle.start()
    answer = await idle.client.get(f"/v1/models/{job['model_name']}", headers=bearer(ADA))
    assert answer.status_code == 404
    listed = await idle.client.get("/v1/models", headers=bearer(ADA))
    assert listed.json()["items"] == []


async def test_schema_example_can_be_predicted(service: Service) -> None:
    job = await service.train()
    schema = await service.client.get(f"/v1/models/{job['model_name']}/schema", headers=bearer(ADA))
    answer = await service.predict(job["model_name"], **schema.json()["example"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["prediction"] in schema.json()["classes"]


async def test_model_deletion_deletes_its_artefact(service: Service) -> None:
    job = await service.train()
    assert len(service.stored("artefacts")) == 1
    url = f"/v1/models/{job['model_name']}"
    assert (await service.client.delete(url, headers=bearer(BOB))).status_code == 404
    assert (await service.client.delete(url, headers=bearer(ADA))).status_code == 204
    assert service.stored("artefacts") == set()
    assert (await service.predict(job["model_name"])).status_code == 404


async def test_event_stream_ends_with_job_and_resumes(service: Service) -> None:
    job = await service.start()
    url = f"/v1/jobs/{job['id']}/events"
    whole = await service.client.get(url, headers=bearer(ADA))
    events = [
        dict(line.split(": ", 1) for line in event.splitlines())
        for event in whole.text.split("\n\n")
        if event
    ]
    assert whole.headers["content-type"].startswith("text/event-stream")
    assert whole.headers.get_list("cache-control") == ["no-store"]
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["queued", "started"]
    assert kinds[-1] == "succeeded"
    stages = [orjson.loads(event["data"])["stage"] for event in events if event["event"] == "stage"]
    assert stages[:2] == ["reading", "preparing"]
    resumed = await service.client.get(url, headers=bearer(ADA) | {"Last-Event-ID": events[-2]["id"]})
    assert resumed.text.count("event: ") == 1


async def test_event_stream_is_closed_at_shutdown_and_resumes(idle: Service) -> None:
    job = await idle.start()
    url = f"/v1/jobs/{job['id']}/events"
    async with serving(idle.app) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with client.stream("GET", url, headers=bearer(ADA)) as answer:
            lines = answer.aiter_lines()
            first = [await anext(lines) for _ in range(3)]
            idle.app.state.stopping.set()
            rest = [line async for line in lines]
        idle.app.state.stopping.clear()
        last_id = next(line.removeprefix("id: ") for line in first if line.startswith("id: "))
        headers = bearer(ADA) | {"Last-Event-ID": last_id}
        async with client.stream("GET", url, headers=headers) as resumed:
            await idle.client.post(f"/v1/jobs/{job['id']}/cancel", headers=bearer(ADA))
            kinds = [line async for line in resumed.aiter_lines() if line.startswith("event: ")]
    assert "event: queued" in first
    assert not any(rest)
    assert kinds == ["event: cancel_requested", "event: cancelled"]


async def test_event_stream_of_unknown_job_is_404(idle: Service) -> None:
    answer = await idle.client.get("/v1/jobs/1000000/events", headers=bearer(ADA))
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


async def test_repeated_key_returns_first_job(idle: Service) -> None:
    first = await idle.request_training(key="train-1")
    again = await idle.request_training(key="train-1")
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert idle.billing.held(ADA) == 1


async def test_key_with_other_training_is_refused(idle: Service) -> None:
    await idle.request_training(key="train-1")
    other = await idle.request_training(key="train-1", type="knn")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_concurrent_requests_with_one_key_create_one_job(idle: Service) -> None:
    dataset = (await idle.upload())["id"]
    answers = await asyncio.gather(*(idle.request_training(key="twin", dataset_id=dataset) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert idle.billing.held(ADA) == 1


async def test_taken_model_name_is_refused_without_hold(idle: Service) -> None:
    await idle.start(name="mine")
    answer = await idle.request_training(name="mine")
    assert (answer.status_code, answer.json()["code"]) == (409, "model_name_taken")
    assert idle.billing.held(ADA) == 1


async def test_concurrent_trainings_with_one_name_create_one_job(idle: Service) -> None:
    dataset = (await idle.upload())["id"]
    answers = await asyncio.gather(
        *(idle.request_training(name="mine", dataset_id=dataset) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]
    assert idle.billing.held(ADA) == 1


async def test_two_users_may_use_the_same_name(idle: Service) -> None:
    assert (await idle.start(name="mine"))["model_name"] == "1_mine"
    assert (await idle.start(BOB, name="mine"))["model_name"] == "2_mine"


async def test_refused_hold_leaves_no_job_and_no_name(idle: Service) -> None:
    idle.billing.wallets[ADA].posted = 0  # pyright: ignore[reportArgumentType] - a plain id
    answer = await idle.request_training(name="mine", key="poor")
    assert answer.status_code == 402
    assert (answer.json()["required"], answer.json()["available"]) == (1, 0)
    idle.billing.grant(ADA, 1)
    assert (await idle.request_training(name="mine", key="poor")).status_code == 202


async def test_billing_outage_is_503_without_job(idle: Service) -> None:
    idle.billing.unavailable = True
    answer = await idle.request_training(name="mine")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    idle.billing.unavailable = False
    assert (await idle.request_training(name="mine")).status_code == 202


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"type": "nonsense"}, 422),
        ({"label": "nonsense"}, 422),
        ({"label": "spe\u0000cies"}, 422),
        ({"features": []}, 422),
        ({"features": ["sex", "sex"]}, 422),
        ({"params": {"nonsense": 1}}, 400),
        ({"params": {"C": -1}}, 422),
        ({"params": {"C": True}}, 422),
        ({"train_fraction": 1}, 422),
        ({"train_fraction": 0.001}, 422),
        ({"task": "regression"}, 422),
        ({"dataset_id": 10**18}, 404),
        ({"dataset_id": 10**30}, 422),
        ({"dataset_id": True}, 422),
        ({"name": "///"}, 422),
        ({"unknown": 1}, 422),
    ],
)
async def test_invalid_training_is_refused_before_the_hold(
    idle: Service, members: dict[str, object], status: int
) -> None:
    answer = await idle.request_training(**members)
    assert answer.status_code == status, answer.text
    assert "hold" not in idle.billing.calls


async def test_job_of_another_user_is_404(idle: Service) -> None:
    job = await idle.start()
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        answer = await idle.client.request(method, f"/v1/jobs/{job['id']}{path}", headers=bearer(BOB))
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
