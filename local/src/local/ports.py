"""Which port each service gets."""

import random
import socket
from collections.abc import Collection
from dataclasses import dataclass

from local.failures import CannotStart
from local.settings import LocalSettings

ADDRESS = "127.0.0.1"
DEFAULTS = {"gateway": 8000, "auth": 8001, "billing": 8002, "ml": 8003, "scheduler": 8786, "dashboard": 8501}
# Systems take ports above these for outgoing connections, and could take one before its server starts.
FREE = range(20_000, 32_000)


@dataclass(frozen=True)
class Ports:
    gateway: int
    auth: int
    billing: int
    ml: int
    scheduler: int
    dashboard: int

    def url(self, service: str) -> str:
        return f"http://{ADDRESS}:{getattr(self, service)}"


def choose_ports(settings: LocalSettings, *, prefer_defaults: bool = True) -> Ports:
    """The named port, else the default one, else any free one; a named one that is taken is refused."""
    named = {name: getattr(settings, f"{name}_port") for name in DEFAULTS}
    chosen: dict[str, int] = {}
    for name, port in named.items():
        if port is None:
            continue
        if not is_free(port) or port in chosen.values():
            raise CannotStart(
                f"{name.upper()}_PORT {port} is taken; name another one, or none to get a free one."
            )
        chosen[name] = port
    for name, default in DEFAULTS.items():
        if name not in chosen:
            usable = prefer_defaults and default not in chosen.values() and is_free(default)
            chosen[name] = default if usable else free_port(chosen.values())
    return Ports(**chosen)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, so that connections of the last run that are still closing don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    for port in random.sample(FREE, len(FREE)):
        if port not in taken and is_free(port):
            return port
    raise CannotStart(
        f"No port from {FREE[0]} to {FREE[-1]} is free; name one for each, as in GATEWAY_PORT=9000."
    )
