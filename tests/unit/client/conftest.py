"""Each behaviour of the client is shown on both of its shells."""

import pytest
from tests.unit.client.gateway import Caller, Gateway


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture(params=["blocking", "awaiting"])
def caller(request: pytest.FixtureRequest, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Caller:
    for name in ("FAREBOX_API_KEY", "FAREBOX_URL", "API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return Caller(request.param, gateway)
