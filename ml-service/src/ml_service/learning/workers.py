"""Dask workers of one machine or container: `python -m ml_service.learning.workers --workers 2`.

They connect to DASK_SCHEDULER_ADDRESS, over TLS if there are certificates.

A fork server imports `preload` once and forks each worker: they share its memory, and a killed one is
replaced within 0.1 s. A worker over its memory limit is killed alone.
"""

import argparse
import asyncio
import multiprocessing
import platform
import signal
import sys

import dask.config as config
import distributed.utils
from distributed import Nanny, Security
from distributed.comm import get_address_host
from distributed.utils import get_ip

PRELOADED = ["ml_service.learning.preload"]
HTTP_ROUTES = ["distributed.http.health", "distributed.http.worker.prometheus"]
# Dask always starts its HTTP server. One that nobody needs answers nothing, and on loopback.
NO_HTTP = "127.0.0.1:0"
# It includes the start of the fork server, which takes long on a busy machine.
DEATH_SECONDS = 120


def main() -> None:
    # Each worker imports this module anew, and needs none of these.
    from kit.logs import configure_logging
    from kit.settings import read_settings
    from ml_service.learning.cluster_settings import ClusterSettings

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--memory", required=True, help="limit of one worker, such as 1536MiB")
    parser.add_argument("--folder", required=True, help="for files that a task writes aside")
    parser.add_argument("--http", default=NO_HTTP, help="address of /health and /metrics of the only worker")
    parser.add_argument("--worker-port", type=int, default=0, help="of the only worker")
    parser.add_argument("--nanny-port", type=int, default=0, help="of the only worker's nanny")
    options, settings = parser.parse_args(), read_settings("dask-workers", ClusterSettings)
    configure_logging("dask-workers", "INFO", None)
    configure([] if options.http == NO_HTTP else HTTP_ROUTES)
    asyncio.run(run_until_stopped(options, settings.dask_scheduler_address, settings.cluster_security))


def configure(http_routes: list[str]) -> None:
    # The profiler samples every 10 ms, for Dask's dashboard, which is not served here.
    config.set({"distributed.worker.profile.enabled": False, "distributed.worker.http.routes": http_routes})
    config.set({"distributed.worker.preload": PRELOADED})
    if sys.platform != "linux":
        # Frameworks of other systems do not survive a fork.
        return
    config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    # Dask would import pandas into this process, to add it to the modules of the fork server.
    distributed.utils._forkserver_preload_set = True  # pyright: ignore[reportPrivateUsage]
    multiprocessing.set_forkserver_preload(PRELOADED)


async def run_until_stopped(options: argparse.Namespace, scheduler: str, security: Security) -> None:
    async with asyncio.TaskGroup() as group:
        slots = [
            group.create_task(run_worker(options, scheduler, security, number))
            for number in range(options.workers)
        ]

        def stop() -> None:
            for slot in slots:
                slot.cancel()

        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(stop_signal, stop)


async def run_worker(options: argparse.Namespace, scheduler: str, security: Security, number: int) -> None:
    """Run a worker and its successors.

    A nanny replaces a killed worker, and ends with a worker that left the scheduler.
    """
    # The address by which the scheduler is reached: without one, a worker listens on every interface.
    host = get_ip(get_address_host(scheduler))
    while True:
        nanny = Nanny(
            scheduler,
            name=f"{platform.node()}-{number}",
            host=host,
            port=options.nanny_port,
            worker_port=options.worker_port,
            security=security,
            nthreads=1,
            memory_limit=options.memory,
            local_directory=options.folder,
            death_timeout=DEATH_SECONDS,
            dashboard=False,
            dashboard_address=options.http,
        )
        async with nanny:
            await nanny.finished()


if __name__ == "__main__":
    main()
