"""Causes of the death of a worker process: its memory, reported by its nanny, or anything else."""

import asyncio
import contextlib

from distributed import Client
from distributed.scheduler import WorkerState

# Dask's topic of the processes that a nanny has killed for their memory.
MEMORY_TOPIC = "worker-restart-memory"
# A report may arrive after the death.
REPORT_PAUSES = (0.0, 0.1, 0.3, 0.6)
ANSWER_SECONDS = 3.0


class WorkerDied(Exception):
    """The scheduler gave up on a task because its worker process died."""


class MemoryExceeded(WorkerDied):
    """The process ran this task, and its nanny has killed it for its memory."""


async def cause_of_death(client: Client, key: object, worker: WorkerState) -> WorkerDied:
    """The cause for the task with this key, which the worker ran, or which waited there for another one.

    A task that waited is not the one that took the memory. Without nannies there are no reports.
    """
    if worker.executing and key not in worker.executing:
        return WorkerDied()
    process = {"worker": worker.address, "pid": worker.pid}
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(ANSWER_SECONDS):
            for pause in REPORT_PAUSES:
                await asyncio.sleep(pause)
                reports = await client.get_events(MEMORY_TOPIC)
                if any(report.items() >= process.items() for _, report in reports):
                    return MemoryExceeded()
    return WorkerDied()
