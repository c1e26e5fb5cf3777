"""One stack of containers for all tests here, created from nothing and removed at the end."""

import secrets
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
from tests.support.compose import Compose
from tests.support.stack import ADMIN_NAME, FOR_TESTS, Stack, free_ports

from gateway.routing import LimitClass

SECRETS = (
    "JWT_SECRET",
    "SERVICE_SECRET",
    "ADMIN_PASSWORD",
    "DB_PASSWORD",
    "AUTH_DB_PASSWORD",
    "BILLING_DB_PASSWORD",
    "ML_DB_PASSWORD",
)
PAGES_A_DAY = 1000
# Pages alone are counted, and no figure comes back while the tests run.
RATE_LIMITS = ",".join(
    f"{each}={PAGES_A_DAY}/86400" if each is LimitClass.PAGE else f"{each}=off" for each in LimitClass
)
FILES = ("docker-compose.yml", "tests/compose/stand-ins.yml")


@pytest.fixture(scope="session")
def compose() -> Iterator[Compose]:
    made = {name: secrets.token_hex(32) for name in SECRETS}
    ports = free_ports(("GATEWAY_PORT", "DASHBOARD_PORT"))
    named = {
        "COMPOSE_PROJECT_NAME": f"farebox-{uuid4().hex[:8]}",
        "SUBNET": f"172.30.{secrets.randbelow(253)}.0/24",
        "ADMIN_EMAIL": ADMIN_NAME,
    }
    composed = Compose({**made, **ports, **named, **FOR_TESTS, "FAREBOX_RATE_LIMITS": RATE_LIMITS}, FILES)
    try:
        composed.run("build")
        composed.up()
        yield composed
    finally:
        composed.run("--profile", "*", "down", "--volumes", "--remove-orphans", "--rmi", "local")


@pytest.fixture(scope="session")
def stack(compose: Compose) -> Stack:
    received = compose.environment
    return Stack(
        f"http://127.0.0.1:{received['GATEWAY_PORT']}",
        ADMIN_NAME,
        admin_password=received["ADMIN_PASSWORD"],
        jwt_secret=received["JWT_SECRET"],
        service_secret=received["SERVICE_SECRET"],
        dashboard_url=f"http://127.0.0.1:{received['DASHBOARD_PORT']}",
    )


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=120) as client:
        yield client
