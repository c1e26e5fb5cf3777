"""Requests that share one file: none takes away the dataset of another."""

import asyncio
import json
from hashlib import sha256

import asyncpg
import httpx
import pytest
from tests.integration.ml.events import deliver, event
from tests.integration.ml.service import ADA, DATA, FILES_OF_A_DATASET, PENGUIN, Service
from tests.support.tokens import bearer

from ml_service.jobs import handlers
from ml_service.jobs.cluster import ClusterTask
from ml_service.jobs.rules import GiveUp
from ml_service.learning.tasks import TableFile

ROUNDS = 5
PENGUINS = (DATA / "penguins.csv").read_bytes()


async def create(service: Service, table: bytes = PENGUINS, label: str = "species") -> httpx.Response:
    form = {"model_type": "logistic", "feature_cols": json.dumps(list(PENGUIN)), "label_col": label}
    files = {"csv_file": ("penguins.csv", table)}
    return await service.client.post("/create", data=form, files=files, headers=bearer(ADA))


async def test_valid_requests_succeed_beside_refused_ones_with_the_same_new_file(service: Service) -> None:
    for number in range(ROUNDS):
        table = PENGUINS + b"\n" * (number + 1)
        labels = ("species", "wrong", "species", "wrong")
        answers = await asyncio.gather(*(create(service, table, label) for label in labels))
        assert [answer.status_code for answer in answers] == [200, 422, 200, 422], [
            answer.text for answer in answers
        ]
    assert service.billing.balance(ADA) == 100 - 2 * ROUNDS
    listed = await service.client.get("/v1/datasets", headers=bearer(ADA))
    assert len(listed.json()["items"]) == ROUNDS


async def test_refused_form_leaves_no_dataset_and_no_file(idle: Service) -> None:
    assert (await create(idle, label="wrong")).status_code == 422
    assert (await idle.client.get("/v1/datasets", headers=bearer(ADA))).json()["items"] == []
    assert idle.stored("uploads") == set()


async def test_request_without_tokens_leaves_no_dataset_and_no_file(idle: Service) -> None:
    idle.billing.wallets[ADA].posted = 0  # pyright: ignore[reportArgumentType] - a plain id
    assert (await create(idle)).status_code == 402
    assert (await idle.client.get("/v1/datasets", headers=bearer(ADA))).json()["items"] == []
    assert idle.stored("uploads") == set()


async def test_upload_of_a_file_that_was_trained_on_answers_with_its_columns(service: Service) -> None:
    assert (await create(service)).status_code == 200
    again = await service.client.post(
        "/v1/datasets", content=PENGUINS, headers=bearer(ADA) | {"Content-Type": "text/csv"}
    )
    assert again.status_code == 200
    shown = await service.client.get(f"/v1/datasets/{again.json()['id']}", headers=bearer(ADA))
    assert again.json() == shown.json()
    assert again.json()["columns"]


async def test_refused_form_keeps_a_stored_dataset(idle: Service) -> None:
    dataset = await idle.upload()
    assert (await create(idle, label="wrong")).status_code == 422
    answer = await idle.client.get(f"/v1/datasets/{dataset['id']}", headers=bearer(ADA))
    assert answer.status_code == 200
    assert len(idle.stored("uploads")) == FILES_OF_A_DATASET


async def test_deletion_beside_trainings_answers_404_or_409(idle: Service) -> None:
    refused = {"dataset_not_found", "dataset_in_use"}
    for _ in range(2 * ROUNDS):
        dataset = (await idle.upload())["id"]
        delete = idle.client.delete(f"/v1/datasets/{dataset}", headers=bearer(ADA))
        trainings = (idle.request_training(dataset_id=dataset) for _ in range(4))
        answers = await asyncio.gather(*trainings, delete)
        assert {answer.status_code for answer in answers} <= {202, 204, 404, 409}
        codes = {answer.json()["code"] for answer in answers if answer.status_code >= 400}
        assert codes <= refused
    assert idle.billing.held(ADA) == len((await _jobs(idle))["items"])


async def test_training_waits_for_a_deletion_and_is_refused(idle: Service, sql: asyncpg.Connection) -> None:
    """The row is locked from the deletion's check to its commit; a training must not slip in between."""
    dataset = (await idle.upload())["id"]
    async with sql.transaction():
        await sql.execute("SELECT 1 FROM ml.datasets WHERE id = $1 FOR UPDATE", dataset)
        training = asyncio.create_task(idle.request_training(dataset_id=dataset))
        done, _ = await asyncio.wait([training], timeout=0.5)
        assert not done
        await sql.execute("DELETE FROM ml.datasets WHERE id = $1", dataset)
    answer = await training
    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_found")
    assert idle.billing.held(ADA) == 0


async def test_deletion_of_a_user_beside_trainings_is_no_server_error(idle: Service) -> None:
    dataset = (await idle.upload())["id"]
    trainings = (idle.request_training(dataset_id=dataset) for _ in range(6))
    *answers, delivered = await asyncio.gather(*trainings, deliver(idle, event("user_deleted", user_id=ADA)))
    assert delivered == 204
    assert {answer.status_code for answer in answers} <= {202, 403, 404, 409}


async def test_task_names_the_digest_of_the_uploaded_file(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[ClusterTask] = []

    async def refuse(_cluster: object, task: ClusterTask, _on_progress: object) -> GiveUp:
        tasks.append(task)
        return GiveUp("upload_changed", "The file has changed.")

    monkeypatch.setattr(handlers, "run_task", refuse)
    ended = await service.ended(await service.start())
    assert ended["error"]["code"] == "upload_changed"
    table = tasks[0].arguments[0]
    assert isinstance(table, TableFile)
    assert table.sha256 == sha256(PENGUINS).digest()


async def _jobs(service: Service) -> dict[str, list[object]]:
    return (await service.client.get("/v1/jobs", params={"page_size": 200}, headers=bearer(ADA))).json()
