"""The container: what the process holds, built once in `main.py`."""

from dataclasses import dataclass

from gateway.documentation.service import Documentation
from gateway.health.service import Health
from gateway.joined.service import Siblings
from kit.authentication import Authentication


@dataclass(frozen=True)
class Container:
    authentication: Authentication
    siblings: Siblings
    health: Health
    rates: dict[str, object]
    documentation: Documentation
