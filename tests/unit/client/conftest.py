"""Fixtures that run each test with both clients, blocking and asynchronous."""

import pytest
from tests.unit.client.gateway import Caller, Gateway


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture(params=["sync", "async"])
def caller(request: pytest.FixtureRequest, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Caller:
    for name in ("FAREBOX_API_KEY", "FAREBOX_URL", "API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return Caller(request.param, gateway)
