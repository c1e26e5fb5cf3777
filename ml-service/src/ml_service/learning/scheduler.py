"""Dask scheduler: `python -m ml_service.learning.scheduler`, over TLS if there are certificates."""

import argparse
import asyncio
import signal
import sys

import dask.config as config
from distributed import Scheduler, Security

from kit.logs import configure_logging
from kit.settings import read_settings
from ml_service.learning.cluster_settings import TlsSettings

PROGRAM = "dask-scheduler"
HTTP_ROUTES = ["distributed.http.health", "distributed.http.scheduler.prometheus"]
# Dask always starts its HTTP server. One that nobody needs answers nothing, and on loopback.
NO_HTTP = "127.0.0.1:0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8786)
    parser.add_argument("--http", help="address of /health and /metrics, such as 0.0.0.0:8787")
    options, settings = parser.parse_args(), read_settings(PROGRAM, TlsSettings)
    address = f"{settings.protocol}://{options.host}:{options.port}"
    try:
        security = settings.security_for(address)
    except ValueError as error:
        sys.exit(f"{PROGRAM}: {error}.")
    configure_logging(PROGRAM, "INFO", None)
    # The other pages show tasks, logs and tracebacks, which quote users' data.
    config.set({"distributed.scheduler.http.routes": HTTP_ROUTES if options.http else []})
    asyncio.run(run_until_stopped(address, security, options.http or NO_HTTP))


async def run_until_stopped(address: str, security: Security, http: str) -> None:
    # Retries are left to ml-service, which counts them and waits between them.
    scheduler = Scheduler(
        host=address, security=security, allowed_failures=0, dashboard=False, dashboard_address=http
    )
    stopped = asyncio.Event()
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(stop_signal, stopped.set)
    async with scheduler:
        await stopped.wait()


if __name__ == "__main__":
    main()
