import time

import httpx
import jwt
import pytest
from tests.support.tokens import JWT_SECRET, bearer, service_bearer

from kit.authentication import Authentication
from kit.settings import ServiceSettings


async def test_service_token_names_the_calling_service(client: httpx.AsyncClient) -> None:
    response = await client.get("/probe/service", headers=service_bearer("probe-service", "ml-service"))
    assert response.json() == {"service": "ml-service"}


async def test_service_token_for_another_audience_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/probe/service", headers=service_bearer("billing-service"))
    assert response.status_code == 401


@pytest.mark.parametrize("role", ["user", "admin"])
async def test_users_access_token_is_refused(client: httpx.AsyncClient, role: str) -> None:
    assert (await client.get("/probe/service", headers=bearer(7, role=role))).status_code == 401


@pytest.mark.parametrize(
    "changed", [{"exp": int(time.time()) - 121}, {"iss": "farebox"}, {"sub": None}, {"exp": None}]
)
async def test_service_token_with_a_wrong_claim_is_refused(
    client: httpx.AsyncClient, settings: ServiceSettings, changed: dict[str, object]
) -> None:
    claims = {"iss": "farebox-services", "aud": "probe-service", "sub": "x", "exp": int(time.time()) + 60}
    claims = {name: value for name, value in {**claims, **changed}.items() if value is not None}
    token = jwt.encode(claims, settings.service_key, algorithm="HS256")
    response = await client.get("/probe/service", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401


@pytest.mark.parametrize("skew", [-60, 60])
async def test_service_token_of_a_clock_that_differs_by_a_minute_is_valid(
    client: httpx.AsyncClient, settings: ServiceSettings, skew: int
) -> None:
    now = int(time.time()) + skew
    claims = {"iss": "farebox-services", "aud": "probe-service", "sub": "x", "iat": now, "exp": now + 60}
    token = jwt.encode(claims, settings.service_key, algorithm="HS256")
    response = await client.get("/probe/service", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200


async def test_secret_of_access_tokens_is_refused_for_service_tokens(client: httpx.AsyncClient) -> None:
    claims = {"iss": "farebox-services", "aud": "probe-service", "sub": "x", "exp": int(time.time()) + 60}
    token = jwt.encode(claims, JWT_SECRET, algorithm="HS256")
    response = await client.get("/probe/service", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401


def test_service_token_is_renewed_before_it_expires(
    authentication: Authentication, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = authentication.identity.headers_for("ml-service")["Authorization"]
    assert authentication.identity.headers_for("ml-service")["Authorization"] == first
    later = time.time() + 45
    monkeypatch.setattr(time, "time", lambda: later)
    assert authentication.identity.headers_for("ml-service")["Authorization"] != first
