"""A small service with one route for each of kit's mechanisms."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictInt
from tests.support.tokens import JWT_SECRET

from kit.app import create_service, strict_router
from kit.authentication import (
    AccountOwner,
    Administrator,
    Authentication,
    CallingService,
    Reader,
    require_scope,
)
from kit.errors import ServiceError
from kit.identity import Caller
from kit.settings import ServiceSettings
from kit.trust_store import TrustUpdate

router = strict_router("/probe")
Trainer = Annotated[Caller, Depends(require_scope("train"))]


class Conflict(ServiceError):
    status = 409
    code = "conflict"


class Purchase(BaseModel):
    model_config = ConfigDict(extra="forbid")

    card: str = Field(pattern=r"^[0-9]{12,19}$")
    password: str = Field(min_length=8, max_length=20)
    amount: StrictInt = Field(gt=0)
    rate: float = 1.0
    rows: list[dict[str, int]] = []


@router.post("")
async def buy(purchase: Purchase) -> dict[str, int]:
    return {"amount": purchase.amount}


@router.get("/conflict")
async def conflict() -> None:
    raise Conflict("It is there already; choose another name.", name="kept")


@router.get("/crash")
async def crash() -> None:
    raise RuntimeError("secret of the house")


@router.get("/outage")
async def outage() -> None:
    raise ConnectionRefusedError("10.0.0.1 refused")


@router.get("/reader")
async def reader(caller: Reader) -> dict[str, object]:
    return {"user_id": caller.user_id, "role": caller.role}


@router.get("/trainer")
async def trainer(_caller: Trainer) -> None: ...


@router.get("/owner")
async def owner(_caller: AccountOwner) -> None: ...


@router.get("/administrator")
async def administrator(_caller: Administrator) -> None: ...


@router.get("/service")
async def calling_service(service: CallingService) -> dict[str, str]:
    return {"service": service}


@asynccontextmanager
async def nothing_to_open(_app: FastAPI) -> AsyncGenerator[None]:
    yield


async def always_ready(_app: FastAPI) -> None: ...


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(jwt_secret=SecretStr(JWT_SECRET))


@pytest.fixture
def app() -> FastAPI:
    return create_service("probe", lifespan=nothing_to_open, routers=[router], ready=always_ready)


@pytest.fixture
def authentication(app: FastAPI, settings: ServiceSettings) -> Authentication:
    """The service's authentication, with a loaded trust store."""
    authentication = Authentication.create(settings, "probe-service")
    app.state.container = SimpleNamespace(authentication=authentication)
    authentication.trust.apply(TrustUpdate(cursor=0))
    return authentication


@pytest.fixture
async def client(app: FastAPI, authentication: Authentication) -> AsyncIterator[httpx.AsyncClient]:
    assert authentication.identity.name == "probe-service"
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        yield client
