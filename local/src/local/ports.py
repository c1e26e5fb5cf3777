"""Ports of the services: configured, default or free ones."""

import random
import socket
from collections.abc import Collection
from dataclasses import dataclass

from local.errors import CannotStart
from local.settings import LocalSettings

ADDRESS = "127.0.0.1"
DEFAULTS = {"gateway": 8000, "auth": 8001, "billing": 8002, "ml": 8003, "scheduler": 8786, "dashboard": 8501}
# Outgoing connections use higher ports, and could take one before its server starts.
SEARCHED = range(20_000, 32_000)


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
    """Choose a port for each service; raises CannotStart for a configured port in use."""
    configured = {name: getattr(settings, f"{name}_port") for name in DEFAULTS}
    chosen: dict[str, int] = {}
    for name, port in configured.items():
        if port is None:
            continue
        if not is_free(port) or port in chosen.values():
            raise CannotStart(
                f"{name.upper()}_PORT {port} is in use; set another port, or unset it to get a free one."
            )
        chosen[name] = port
    for name, default in DEFAULTS.items():
        if name not in chosen:
            usable = prefer_defaults and default not in chosen.values() and is_free(default)
            chosen[name] = default if usable else free_port(chosen.values())
    return Ports(**chosen)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, so that closing connections of the last run do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def free_port(excluded: Collection[int] = ()) -> int:
    for port in random.sample(SEARCHED, len(SEARCHED)):
        if port not in excluded and is_free(port):
            return port
    raise CannotStart(
        f"No port from {SEARCHED[0]} to {SEARCHED[-1]} is free; set all ports, as in GATEWAY_PORT=9000."
    )
