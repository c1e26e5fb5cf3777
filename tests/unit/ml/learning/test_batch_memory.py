"""Memory of batches, independent of the length of the file."""

import asyncio
from pathlib import Path

import psutil
import pytest
from tests.support.tables import DATA

from kit.identity import UserId
from ml_service.learning import batches
from ml_service.learning.predictors import PredictionOptions
from ml_service.learning.tables import DEFAULT_LIMITS
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train
from ml_service.store.process_pool import ProcessPool

pytestmark = pytest.mark.slow

FEATURES = ("age", "bmi", "bp", "s5")
MEBIBYTE = 1024 * 1024
ROWS = 200_000
ROW = b"51,26.3,87.5,4.6\n"


@pytest.fixture
def task(tmp_path: Path) -> batches.BatchTask:
    result = train(DATA / "diabetes.csv", TrainingSpec("linear", FEATURES, "target"), tmp_path / "model")
    return batches.BatchTask(
        f"file://{tmp_path}", "rows", "model", result.files, PredictionOptions(), DEFAULT_LIMITS
    )


async def predict(readers: ProcessPool, task: batches.BatchTask, folder: Path, rows: int) -> int:
    """Predict a file of so many rows; returns the peak memory of the reader process."""
    (folder / "rows").write_bytes(",".join(FEATURES).encode() + b"\n" + ROW * rows)
    before = set(psutil.Process().children())
    running = asyncio.create_task(readers.run(batches.predict, task, "result", user=UserId(1)))
    peak = 0
    while not running.done():
        await asyncio.wait({running}, timeout=0.02)
        processes = before or set(psutil.Process().children())
        peak = max([peak, *(process.memory_info().rss for process in processes if process.is_running())])
    assert (await running).good == rows
    return peak


async def test_memory_does_not_grow_with_the_length_of_the_file(
    task: batches.BatchTask, tmp_path: Path
) -> None:
    readers = ProcessPool(1)
    # The first batch includes the imports of the reader process.
    await predict(readers, task, tmp_path, 1)
    small = await predict(readers, task, tmp_path, ROWS // 10)
    large = await predict(readers, task, tmp_path, ROWS)
    assert large - small < 20 * MEBIBYTE
    with (tmp_path / "result").open("rb") as result:
        assert sum(1 for _ in result) == ROWS + 1
