"""What the gateway's own endpoints are given."""

from typing import Annotated

from fastapi import Depends, Request

from gateway.aggregate.health import Health
from gateway.aggregate.service import Siblings
from gateway.documentation.service import Documentation


def _siblings(request: Request) -> Siblings:
    return request.app.state.container.siblings


def _rates(request: Request) -> dict[str, object]:
    return request.app.state.container.rates


def _health(request: Request) -> Health:
    return request.app.state.container.health


def _documentation(request: Request) -> Documentation:
    return request.app.state.container.documentation


SiblingsService = Annotated[Siblings, Depends(_siblings)]
HealthService = Annotated[Health, Depends(_health)]
Rates = Annotated[dict[str, object], Depends(_rates)]
Docs = Annotated[Documentation, Depends(_documentation)]
