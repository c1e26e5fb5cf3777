"""Comparisons (`type: auto`): score all types, train the best, keep to the budget."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from tests.integration.ml.service import ADA, BOB, Json, Service, eventually, run_service
from tests.integration.ml.test_crash_recovery import cancel, random_table
from tests.support.cluster import TestCluster
from tests.support.memory_billing import MemoryBilling
from tests.support.memory_hog import score_all_but_forests
from tests.support.postgres import Database
from tests.support.tokens import bearer

from ml_service.jobs import candidate_search, handlers
from ml_service.jobs.rules import GiveUp
from ml_service.learning.comparison import most_candidates

CLASSIFIERS = most_candidates()["classification"]
REGRESSORS = most_candidates()["regression"]
DIABETES = {"type": "auto", "label": "target"}


async def model_of(service: Service, job: Json) -> Json:
    answer = await service.client.get(f"/v1/models/{job['model_name']}", headers=bearer(ADA))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def events_of(service: Service, job: Json, kind: str = "candidate") -> list[Json]:
    """The data of the job's events of this kind, in order."""
    answer = await service.client.get(f"/v1/jobs/{job['id']}/events", headers=bearer(ADA))
    events = [
        dict(line.split(": ", 1) for line in event.splitlines())
        for event in answer.text.split("\n\n")
        if event
    ]
    return [json.loads(event["data"]) for event in events if event["event"] == kind]


async def start_long(service: Service, **members: object) -> Json:
    """Start a comparison and wait until one candidate has finished; the others take minutes."""
    dataset = await service.upload_bytes(random_table(12_000))
    job = await service.start(**{"type": "auto", "label": "y", "dataset_id": dataset["id"], **members})

    async def first_has_finished() -> bool:
        database = service.app.state.container.database
        async with database.engine.connect() as connection:
            rows = await connection.exec_driver_sql(
                "SELECT 1 FROM ml.job_events WHERE kind = 'candidate' AND job_id = $1"
                " AND data->'candidate'->>'state' = 'finished'",
                (job["id"],),
            )
            return rows.first() is not None

    await eventually(first_has_finished)
    return job


async def test_budget_of_tokens_limits_finished_candidates(service: Service) -> None:
    dataset = await service.upload("diabetes.csv")
    job = await service.train(**DIABETES, dataset_id=dataset["id"], budget={"tokens": 3})
    board = (await model_of(service, job))["leaderboard"]
    states = [entry["state"] for entry in board]
    assert states == ["finished"] * 3 + ["not_tried"] * (REGRESSORS - 3)
    assert board[0]["metric"] == "r2_score"
    assert (job["tokens_held"], job["tokens_charged"], service.billing.balance(ADA)) == (3, 3, 97)


async def test_budget_of_seconds_keeps_best_finished_candidate(
    service: Service,
) -> None:
    job = await service.ended(await start_long(service, budget={"seconds": 20}))
    assert job["state"] == "succeeded", job
    board = (await model_of(service, job))["leaderboard"]
    finished = [entry for entry in board if entry["state"] == "finished"]
    assert 0 < len(finished) < REGRESSORS
    assert board[0]["chosen"]
    assert (job["tokens_held"], job["tokens_charged"]) == (REGRESSORS, len(finished))
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (100 - len(finished), 0)


async def finished_candidates(service: Service, job: Json) -> int:
    events = await events_of(service, job)
    return len({event["number"] for event in events if event["candidate"]["state"] == "finished"})


async def test_cancelled_comparison_is_charged_for_the_scores_that_were_shown(service: Service) -> None:
    job = await start_long(service)
    assert await cancel(service, job) == 202
    async with asyncio.timeout(5):
        ended = await service.ended(job)
    finished = await finished_candidates(service, job)
    assert finished > 0
    assert (ended["state"], ended["tokens_charged"]) == ("cancelled", finished)
    assert ended["receipt_id"] is not None
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (100 - finished, 0)


async def test_comparison_cancelled_in_the_queue_is_free(idle: Service) -> None:
    job = await idle.start(type="auto")
    await cancel(idle, job)
    ended = await idle.ended(job)
    assert (ended["state"], ended["tokens_charged"]) == ("cancelled", 0)
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (100, 0)


async def test_comparison_that_fails_after_its_scores_is_charged_for_them(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> GiveUp:
        return GiveUp("out_of_memory", "The training needed too much memory.")

    monkeypatch.setattr(handlers, "_train", fail)
    ended = await service.ended(await service.start(type="auto"))
    assert (ended["state"], ended["error"]["code"]) == ("failed", "out_of_memory")
    assert ended["tokens_charged"] == await finished_candidates(service, ended) == CLASSIFIERS
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (100 - CLASSIFIERS, 0)


async def test_comparison_with_too_few_seconds_is_charged_for_the_scores_that_were_shown(
    service: Service,
) -> None:
    dataset = await service.upload_bytes(random_table(12_000))
    budget = {"seconds": 1}
    job = await service.start(type="auto", label="y", dataset_id=dataset["id"], budget=budget)
    ended = await service.ended(job)
    finished = await finished_candidates(service, ended)
    assert ended["tokens_charged"] == finished
    assert ended["state"] == ("succeeded" if finished else "failed")
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (100 - finished, 0)


async def test_scores_without_tokens_for_them_end_the_cancelled_comparison_unpaid(service: Service) -> None:
    job = await start_long(service)
    service.billing.expire_all()
    service.billing.wallets[ADA].posted = 0  # pyright: ignore[reportArgumentType] - a plain id
    await cancel(service, job)
    ended = await service.ended(job)
    assert (ended["state"], ended["tokens_charged"]) == ("cancelled", 0)


async def compare(service: Service, table: bytes, tokens: int) -> tuple[Json, list[Json]]:
    """Compare all types; returns the job and the leaderboard."""
    dataset = await service.upload_bytes(table)
    request = {"type": "auto", "label": "y", "dataset_id": dataset["id"], "budget": {"tokens": tokens}}
    job = await service.ended(await service.start(**request))
    assert job["state"] == "succeeded", job
    return job, (await model_of(service, job))["leaderboard"]


async def test_candidate_over_time_limit_fails_alone(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster
) -> None:
    limits = {"max_train_seconds": 5, "dask_scheduler_address": cluster.address}
    async with run_service(database, tmp_path, billing, **limits) as service:
        job, board = await compare(service, random_table(12_000), tokens=3)
    failed = [entry for entry in board if entry["state"] == "failed"]
    assert {entry["error"]["code"] for entry in failed} == {"time_limit"}
    assert job["tokens_charged"] == sum(entry["state"] == "finished" for entry in board) > 0


async def test_candidate_over_memory_limit_fails_alone_and_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidate_search, "score_on_worker", score_all_but_forests)
    job = await service.ended(await service.start(type="auto"))
    board = (await model_of(service, job))["leaderboard"]
    forests = [entry for entry in board if entry["type"] == "random_forest"]
    assert {(entry["state"], entry["error"]["code"]) for entry in forests} == {("failed", "out_of_memory")}
    assert "use fewer rows" in forests[0]["error"]["detail"]
    assert job["tokens_charged"] == sum(entry["state"] == "finished" for entry in board) > 0
    assert service.billing.held(ADA) == 0
    stages = [event["stage"] for event in await events_of(service, job, "stage")]
    assert not [stage for stage in stages if stage.startswith("retrying")]


async def test_comparison_survives_killed_workers(service: Service, cluster: TestCluster) -> None:
    job = await service.start(type="auto")

    async def second_has_started() -> bool:
        return (await service.job(job["id"]))["percent"] > 5

    await eventually(second_has_started)
    for worker in cluster.workers():
        worker.kill()
    ended = await service.ended(job)
    board = (await model_of(service, ended))["leaderboard"]
    assert [entry["state"] for entry in board] == ["finished"] * CLASSIFIERS
    assert service.billing.balance(ADA) == 100 - CLASSIFIERS
    stages = [event["stage"] for event in await events_of(service, job, "stage")]
    assert "retrying, 2 of 3: the worker was lost" in stages


async def test_lost_lease_keeps_finished_candidates(service: Service, sql: asyncpg.Connection) -> None:
    job = await start_long(service, budget={"tokens": 2})
    await sql.execute("UPDATE ml.jobs SET lease = $1, lease_until = now()", uuid4())
    ended = await service.ended(job)
    assert (ended["state"], ended["attempts"], ended["tokens_charged"]) == ("succeeded", 2, 2)
    started = [
        event["number"] for event in await events_of(service, job) if event["candidate"]["state"] == "started"
    ]
    finished = [
        event["number"]
        for event in await events_of(service, job)
        if event["candidate"]["state"] == "finished"
    ]
    assert len(finished) == len(set(finished)) == 2
    assert started.count(finished[0]) == 1
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (98, 0)


async def test_other_users_get_a_worker_during_a_comparison(service: Service) -> None:
    job = await start_long(service)
    assert (await service.train(BOB, type="linear", label="body_mass_g", missing_label="drop"))["state"]
    assert (await service.job(job["id"]))["state"] == "running"
    await cancel(service, job)
    await service.ended(job)


async def test_budget_below_one_candidate_is_refused(idle: Service) -> None:
    idle.billing.current_prices["train"] = idle.billing.current_prices["predict"]
    answer = await idle.request_training(type="auto", budget={"tokens": 4})
    assert (answer.status_code, answer.json()["code"]) == (422, "budget_too_small")
    assert (answer.json()["budget"], answer.json()["required"]) == (4, 5)


async def test_model_types_show_budget_and_candidates(idle: Service) -> None:
    types = {
        model_type["name"]: model_type
        for model_type in (await idle.client.get("/v1/model-types")).json()["items"]
    }
    assert types["auto"]["candidates"] == {"classification": CLASSIFIERS, "regression": REGRESSORS}
    assert set(types["auto"]["budget"]["properties"]) == {"seconds", "tokens"}
    assert types["linear"]["budget"] is None
