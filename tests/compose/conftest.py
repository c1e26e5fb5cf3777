"""One stack of containers for all tests of this folder, built from scratch and removed at the end."""

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
    "GRAFANA_PASSWORD",
    "DB_PASSWORD",
    "AUTH_DB_PASSWORD",
    "BILLING_DB_PASSWORD",
    "ML_DB_PASSWORD",
)
PAGES_A_DAY = 1000
# Only pages are counted, and no bucket refills while the tests run.
RATE_LIMITS = ",".join(
    f"{limit}={PAGES_A_DAY}/86400" if limit is LimitClass.PAGE else f"{limit}=off" for limit in LimitClass
)
FILES = ("docker-compose.yml", "tests/compose/stand-ins.yml")


@pytest.fixture(scope="session")
def compose() -> Iterator[Compose]:
    created_secrets = {name: secrets.token_hex(32) for name in SECRETS}
    ports = free_ports(("GATEWAY_PORT", "DASHBOARD_PORT"))
    # Seven networks, from 172.30.20.0/24 to 172.30.236.0/24.
    prefix = f"172.30.{secrets.randbelow(22) + 2}"
    project = {
        "COMPOSE_PROJECT_NAME": f"farebox-{uuid4().hex[:8]}",
        "SUBNET_PREFIX": prefix,
        # The host itself, as a client of the published ports: a proxy on loopback.
        "TRUSTED_PROXIES": f"{prefix}0.1",
        "ADMIN_EMAIL": ADMIN_NAME,
        # Services behind the gateway log each request at this level only.
        "LOG_LEVEL": "DEBUG",
    }
    composed = Compose(
        {**created_secrets, **ports, **project, **FOR_TESTS, "FAREBOX_RATE_LIMITS": RATE_LIMITS}, FILES
    )
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
