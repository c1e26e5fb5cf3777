"""Readiness: a service without revocations refuses every token, so it is not ready."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tests.integration.ml.service import eventually, settings_of
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from billing_service.main import create_app as create_billing
from billing_service.settings import Settings
from kit.trust_store import TrustUpdate
from ml_service.main import create_app as create_ml


class LateSource:
    """An auth-service that starts after the others."""

    def __init__(self) -> None:
        self.is_up = False

    async def updates(self, since: int) -> TrustUpdate:
        if not self.is_up:
            raise ConnectionRefusedError
        return TrustUpdate(cursor=since)


def create_app(service: str, database: Database, store: Path, source: LateSource) -> FastAPI:
    if service == "ml":
        return create_ml(settings_of(database, store, trust_poll_seconds=0.05), MemoryBilling(), source)
    values = {"jwt_secret": JWT_SECRET, "trust_poll_seconds": 0.05, **database.settings("billing")}
    return create_billing(Settings.model_validate(values), source)


async def ready_response(client: httpx.AsyncClient) -> httpx.Response | None:
    response = await client.get("/readyz")
    return None if response.status_code == 503 else response


@pytest.mark.parametrize("service", ["billing", "ml"])
async def test_service_is_ready_once_it_knows_the_revocations(
    service: str, database: Database, tmp_path: Path
) -> None:
    source = LateSource()
    app = create_app(service, database, tmp_path, source)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        assert (await client.get("/readyz")).status_code == 503
        source.is_up = True
        response = await eventually(lambda: ready_response(client))
        assert response.json() == {"status": "ready"}
