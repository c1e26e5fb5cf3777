"""The gateway's own figures, on a port of their own so that the public one never shows them."""

from collections.abc import Generator
from contextlib import contextmanager

from prometheus_client import start_http_server


@contextmanager
def metrics_served(host: str, port: int | None) -> Generator[None]:
    if port is None:
        yield
        return
    server, thread = start_http_server(port, host)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
