"""Training through `/v1`: a dataset, a request, a job."""

import asyncio
import time
from typing import Any

from tests.support.people import Person
from tests.support.tables import line_table

Json = dict[str, Any]  # Any: decoded JSON
ENDED = {"succeeded", "failed", "cancelled"}
JOB_SECONDS = 90
PAUSE_SECONDS = 0.1


async def upload(user: Person, table: bytes | None = None) -> int:
    """The id of a dataset that this user has uploaded."""
    table = line_table() if table is None else table
    answer = await user.post("/v1/datasets", content=table, headers={"Content-Type": "text/csv"})
    assert answer.status_code in {200, 201}, answer.text
    return int(answer.json()["id"])


async def start(user: Person, order: Json) -> Json:
    """The job of an accepted order."""
    answer = await user.post("/v1/models", json=order)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def ended(user: Person, job_id: int, within: float = JOB_SECONDS) -> Json:
    """The job once it has ended, however."""
    deadline = time.monotonic() + within
    while True:
        job = (await user.get(f"/v1/jobs/{job_id}")).json()
        if job["state"] in ENDED:
            return job
        assert time.monotonic() < deadline, job
        await asyncio.sleep(PAUSE_SECONDS)


async def train(user: Person, table: bytes | None = None, **order: object) -> Json:
    """The model of an order that succeeds, as `GET /v1/models/{name}` shows it."""
    dataset_id = await upload(user, table)
    job = await start(user, {"dataset_id": dataset_id, "type": "linear", "label": "y", **order})
    job = await ended(user, job["id"])
    assert job["state"] == "succeeded", job
    answer = await user.get(f"/v1/models/{job['model_name']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def slow_order(dataset_id: int) -> Json:
    """A forest that takes long enough to be interrupted."""
    params = {"n_estimators": 500}
    return {
        "dataset_id": dataset_id,
        "type": "random_forest",
        "label": "y",
        "task": "regression",
        "params": params,
    }


def slow_table(rows: int = 6000) -> bytes:
    """Enough rows of noise to keep a forest busy for some seconds."""
    lines = (",".join(str((n * factor) % 9973) for factor in (7, 101, 211, 307, 401)) for n in range(rows))
    return "\n".join(["a,b,c,d,y", *lines, ""]).encode()
