"""Container: the long-lived objects of the gateway, built once in `main.py`."""

from dataclasses import dataclass

from gateway.admission.gate import Gate
from gateway.aggregate.diagnosis import InstallationDiagnosis
from gateway.aggregate.health import Health
from gateway.aggregate.service import Upstreams
from gateway.documentation.service import Documentation
from gateway.forwarding.proxy import Proxy
from gateway.settings import GatewaySettings
from kit.authentication import Authentication


@dataclass(frozen=True)
class Container:
    """Available to endpoints as `app.state.container`; the middleware receives `gate` and `proxy`."""

    settings: GatewaySettings
    authentication: Authentication
    # For every request: the checks, then forwarding.
    gate: Gate
    proxy: Proxy
    # For the gateway's own routes.
    upstreams: Upstreams
    health: Health
    diagnosis: InstallationDiagnosis
    documentation: Documentation
