"""Memory of a task on a worker: arrays reuse it, and the system gets it back."""

import os
import subprocess
import sys

import pytest

# Dask's setting for its workers.
DASK = {"MALLOC_TRIM_THRESHOLD_": "65536"}
PROGRAM = """
import resource
import numpy as np
from ml_service.learning.tasks import reused_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(400_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

outside = faults()
with reused_memory():
    faults()
    inside = faults()
print(outside, inside)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_arrays_of_a_task_reuse_memory() -> None:
    program = [sys.executable, "-c", PROGRAM]
    process = subprocess.run(program, check=True, capture_output=True, text=True, env=os.environ | DASK)  # noqa: S603 - our own program
    outside, inside = map(int, process.stdout.split())
    assert outside > 50 * 700
    assert inside < outside / 10
