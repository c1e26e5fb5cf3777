"""Training through `/v1`: upload a dataset, start a job, wait for it."""

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
    """Upload a dataset, and return its id."""
    table = line_table() if table is None else table
    response = await user.post("/v1/datasets", content=table, headers={"Content-Type": "text/csv"})
    assert response.status_code in {200, 201}, response.text
    return int(response.json()["id"])


async def start(user: Person, spec: Json) -> Json:
    """Start a training, and return its job."""
    response = await user.post("/v1/models", json=spec)
    assert response.status_code == 202, response.text
    return response.json()


async def ended(user: Person, job_id: int, within: float = JOB_SECONDS) -> Json:
    """Wait until a job has ended in any state, and return it."""
    deadline = time.monotonic() + within
    while True:
        job = (await user.get(f"/v1/jobs/{job_id}")).json()
        if job["state"] in ENDED:
            return job
        assert time.monotonic() < deadline, job
        await asyncio.sleep(PAUSE_SECONDS)


async def train(user: Person, table: bytes | None = None, **spec: object) -> Json:
    """Train a model, and return it as `GET /v1/models/{name}` does."""
    dataset_id = await upload(user, table)
    job = await start(user, {"dataset_id": dataset_id, "type": "linear", "label": "y", **spec})
    job = await ended(user, job["id"])
    assert job["state"] == "succeeded", job
    response = await user.get(f"/v1/models/{job['model_name']}")
    assert response.status_code == 200, response.text
    return response.json()


def slow_training(dataset_id: int) -> Json:
    """The spec of a forest whose training is long enough to be interrupted."""
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
