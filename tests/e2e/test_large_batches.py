"""A file of a million rows, from a client to a worker and back, is never in memory as a whole."""

import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from bench.memory import measure_peaks
from tests.support.memory import processes_of
from tests.support.people import Person, grant
from tests.support.stack import Stack
from tests.support.training import Json, ended

ROWS, FEW = 1_000_000, 1_000
MOST_GROWTH = 150 * 2**20
SECONDS = 180
Pack = Callable[[pa.Table, io.BytesIO], object]
PACKED: dict[str, Pack] = {
    "text/csv": pyarrow.csv.write_csv,
    "application/vnd.apache.parquet": pa.parquet.write_table,
}


def rows(count: int, media_type: str) -> bytes:
    numbers = range(count)
    columns = {
        "x": [n % 9973 for n in numbers],
        "noise": [n % 13 for n in numbers],
        "note": [f"row {n}" for n in numbers],
    }
    file = io.BytesIO()
    PACKED[media_type](pa.table(columns), file)
    return file.getvalue()


async def predict(owner: Person, model: str, content: bytes, media_type: str) -> Json:
    """Run a batch job, and download its result piece by piece; returns the job."""
    sent = {"Content-Type": media_type, "Prefer": "respond-async"}
    started = await owner.post(f"/v1/models/{model}/batch", content=content, headers=sent)
    assert started.status_code == 202, started.text
    job = await ended(owner, started.json()["id"], SECONDS)
    assert job["state"] == "succeeded", job
    size = 0
    async with owner.http.stream("GET", f"/v1/jobs/{job['id']}/result", headers=owner.bearer) as result:
        async for piece in result.aiter_bytes():
            size += len(piece)
        assert size == int(result.headers["Content-Length"])
        assert (result.headers["X-Rows"], result.headers["X-Rows-Failed"]) == (str(job["order"]["rows"]), "0")
    return job


@pytest.mark.parametrize("media_type", PACKED)
async def test_million_rows_grow_no_process_by_more_than_150_mb(
    owner: Person, admin: Person, line_model: str, stack: Stack, media_type: str
) -> None:
    cost = ROWS // 200
    await grant(admin, owner, cost + 3 * FEW // 200)
    # The memory that first batches load does not count.
    for _ in range(3):
        await predict(owner, line_model, rows(FEW, media_type), media_type)
    content, processes = rows(ROWS, media_type), processes_of(stack)
    with measure_peaks(list(processes.values())):
        job = await predict(owner, line_model, content, media_type)
    assert job["tokens_charged"] == cost
    grown = {name: process.growth // 2**20 for name, process in processes.items()}
    assert max(grown.values(), default=0) < MOST_GROWTH // 2**20, grown
