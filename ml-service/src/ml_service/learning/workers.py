"""Dask workers of one machine: `python -m ml_service.learning.workers tcp://127.0.0.1:8786 --workers 2`.

A fork server imports `preload` once and forks each worker: they share its memory, and a killed one is
replaced within 0.1 s. A worker over its memory limit is killed alone.
"""

import argparse
import asyncio
import multiprocessing
import signal
import sys

import dask.config as config
import distributed.utils
from distributed import Nanny

PRELOADED = ["ml_service.learning.preload"]
# It includes the start of the fork server, which takes long on a busy machine.
DEATH_SECONDS = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scheduler")
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--memory", type=int, required=True, help="bytes of one worker")
    parser.add_argument("--folder", required=True, help="for files that a task writes aside")
    configure()
    asyncio.run(run_until_stopped(parser.parse_args()))


def configure() -> None:
    # The profiler samples every 10 ms, for Dask's dashboard; neither that nor metrics are served here.
    config.set({"distributed.worker.profile.enabled": False, "distributed.worker.http.routes": []})
    if sys.platform != "linux":
        # Frameworks of other systems do not survive a fork.
        config.set({"distributed.worker.preload": PRELOADED})
        return
    config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    # Dask would import pandas into this process, to add it to the modules of the fork server.
    distributed.utils._forkserver_preload_set = True  # pyright: ignore[reportPrivateUsage]
    multiprocessing.set_forkserver_preload(PRELOADED)


async def run_until_stopped(options: argparse.Namespace) -> None:
    async with asyncio.TaskGroup() as group:
        slots = [group.create_task(run_worker(options, number)) for number in range(options.workers)]

        def stop() -> None:
            for slot in slots:
                slot.cancel()

        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(stop_signal, stop)


async def run_worker(options: argparse.Namespace, number: int) -> None:
    """Run a worker and its successors.

    A nanny replaces a killed worker, and ends with a worker that left the scheduler.
    """
    while True:
        nanny = Nanny(
            options.scheduler,
            name=f"worker-{number}",
            host="127.0.0.1",
            nthreads=1,
            memory_limit=options.memory,
            local_directory=options.folder,
            death_timeout=DEATH_SECONDS,
            dashboard=False,
        )
        async with nanny:
            await nanny.finished()


if __name__ == "__main__":
    main()
