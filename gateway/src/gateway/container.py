"""The container: what the process holds, built once in `main.py`."""

from dataclasses import dataclass

from gateway.aggregate.health import Health
from gateway.aggregate.service import Siblings
from gateway.documentation.service import Documentation
from kit.authentication import Authentication


@dataclass(frozen=True)
class Container:
    authentication: Authentication
    siblings: Siblings
    health: Health
    rates: dict[str, object]
    documentation: Documentation
