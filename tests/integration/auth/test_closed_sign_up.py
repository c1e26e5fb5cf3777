"""Sign-up while SIGN_UP is closed: administrators create the accounts."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.integration.auth.service import (
    ADMIN,
    PASSWORD,
    Consumer,
    admin_bearer,
    bearer_of,
    code_of,
    run_service,
)
from tests.support.postgres import Database
from tests.support.tokens import bearer

ROUTES = [
    ("/v1/users", {"name": "bob", "password": PASSWORD}, 201),
    ("/user/create", {"email": "bob@example.org", "pwd": PASSWORD}, 200),
    ("/signup", {"username": "bob", "password": PASSWORD}, 201),
]
PATHS = [path for path, _, _ in ROUTES]
Body = dict[str, str]


@pytest.fixture
async def client(database: Database, consumer: Consumer) -> AsyncIterator[httpx.AsyncClient]:
    async with run_service(database, consumer, sign_up="closed") as service:
        yield service.client


@pytest.mark.parametrize(("path", "body", "created"), ROUTES)
async def test_administrators_alone_create_accounts(
    client: httpx.AsyncClient, path: str, body: Body, created: int
) -> None:
    refused = await client.post(path, json=body)
    assert (refused.status_code, code_of(refused)) == (403, "sign_up_closed")
    administrator = await admin_bearer(client)
    assert (await client.post(path, json=body, headers=administrator)).status_code == created
    user = await bearer_of(client, body.get("email", "bob"), PASSWORD)
    refused = await client.post(path, json=body, headers=user)
    assert (refused.status_code, code_of(refused)) == (403, "sign_up_closed")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Authorization": "Bearer x"}, 401),
        (bearer(1, role="admin", api_key={"id": 1, "scopes": ["read"], "cap": None}), 403),
    ],
)
async def test_refusal_precedes_the_check_of_the_body(
    client: httpx.AsyncClient, path: str, headers: Body, status: int
) -> None:
    assert (await client.post(path, json={"name": ADMIN}, headers=headers)).status_code == status
