"""Default numbers of workers, and the memory limit of each."""

from pathlib import Path

import pytest

from local.machine import Machine
from local.settings import LocalSettings

GIBIBYTE = 1024**3


@pytest.mark.parametrize(
    ("cores", "gibibytes", "workers", "each"),
    [
        (2, 24, 2, 6.0),
        (2, 6, 2, 1.5),
        (8, 6, 2, 1.5),  # a usual fit needs 1.5 GiB
        (4, 2, 1, 1.0),
        (1, 0.5, 1, 0.5),
        (64, 256, 8, 16.0),
    ],
)
def test_workers_share_half_of_the_memory(cores: int, gibibytes: float, workers: int, each: float) -> None:
    machine = Machine(cores, int(gibibytes * GIBIBYTE))
    assert machine.workers == workers
    assert machine.memory_of_each(workers) == each * GIBIBYTE


def test_limits_of_a_container_are_those_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text(f"{GIBIBYTE}\n")
    detected = Machine.detect(tmp_path)
    assert (detected.cores, detected.memory) == (min(2, Machine.detect(tmp_path / "none").cores), GIBIBYTE)


def test_limits_of_an_older_container_are_those_of_the_machine(tmp_path: Path) -> None:
    for name, content in {
        "cpu/cpu.cfs_quota_us": "100000",
        "cpu/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": str(GIBIBYTE),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert Machine.detect(tmp_path) == Machine(1, GIBIBYTE)


@pytest.mark.parametrize("words", ["max 100000\n", ""])
def test_container_without_limits_has_all_of_the_machine(tmp_path: Path, words: str) -> None:
    (tmp_path / "cpu.max").write_text(words)
    (tmp_path / "memory.max").write_text("max\n")
    assert Machine.detect(tmp_path) == Machine.detect(tmp_path / "none")


def test_fewer_workers_have_more_memory_each() -> None:
    one, two = (LocalSettings.model_validate({"dask_workers": number}) for number in (1, 2))
    assert one.dask_worker_memory == pytest.approx(2 * two.dask_worker_memory, rel=0.01)
    assert LocalSettings.model_validate({"dask_worker_memory": "700MiB"}).dask_worker_memory == 700 * 1024**2
