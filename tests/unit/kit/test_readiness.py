import httpx
import pytest
from fastapi import FastAPI
from tests.unit.kit.conftest import nothing_to_open

from kit.app import create_service
from kit.errors import Unavailable


async def probe(path: str, failure: Exception) -> httpx.Response:
    async def never_ready(_app: FastAPI) -> None:
        raise failure

    app = create_service("probe", lifespan=nothing_to_open, routers=[], ready=never_ready)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://probe") as client:
        return await client.get(path)


async def test_ready_service_is_200(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).json() == {"status": "ready"}


@pytest.mark.parametrize("failure", [Unavailable("Waiting."), OSError("10.0.0.1"), KeyError("x")])
async def test_failed_check_of_any_kind_is_503(failure: Exception) -> None:
    response = await probe("/readyz", failure)
    assert response.status_code == 503
    assert "10.0.0.1" not in response.text


async def test_service_that_is_not_ready_is_live(client: httpx.AsyncClient) -> None:
    assert (await probe("/livez", OSError())).status_code == 200
    assert (await client.get("/livez")).status_code == 200
