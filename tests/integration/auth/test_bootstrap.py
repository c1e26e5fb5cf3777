"""The first administrator."""

import asyncio

import asyncpg
from structlog.testing import capture_logs
from tests.integration.auth.service import (
    ADMIN,
    ADMIN_PASSWORD,
    PASSWORD,
    Consumer,
    Service,
    admin_bearer,
    bearer_of,
    eventually,
    register,
    run_service,
    try_to_log_in,
)
from tests.support.postgres import Database

WITHOUT_ADMIN = {"admin_email": None, "admin_password": None}


async def role_of(service: Service, headers: dict[str, str]) -> str:
    return (await service.client.get("/v1/me", headers=headers)).json()["role"]


async def test_first_administrator_is_created_at_start_and_published_to_billing(
    service: Service, consumer: Consumer
) -> None:
    assert await role_of(service, await admin_bearer(service.client)) == "admin"
    await eventually(
        lambda: [data["role"] for data in consumer.data_of("billing-service", "user_created")] == ["admin"]
    )


async def test_replicas_that_start_together_create_one_administrator(
    database: Database, consumer: Consumer, sql: asyncpg.Connection
) -> None:
    async def start() -> None:
        async with run_service(database, consumer) as service:
            await admin_bearer(service.client)

    await asyncio.gather(start(), start())
    assert await sql.fetchval("SELECT count(*) FROM auth.users") == 1


async def test_later_start_creates_no_second_administrator(database: Database, consumer: Consumer) -> None:
    async with run_service(database, consumer) as first:
        await admin_bearer(first.client)
    changed = {"admin_email": "other@farebox.local", "admin_password": "another password"}
    async with run_service(database, consumer, **changed) as later:
        await admin_bearer(later.client)
        response = await try_to_log_in(later.client, "other@farebox.local", "another password")
    assert response.status_code == 401


async def test_account_with_the_same_password_is_promoted(database: Database, consumer: Consumer) -> None:
    async with run_service(database, consumer, **WITHOUT_ADMIN) as first:
        await register(first.client, ADMIN, ADMIN_PASSWORD)
    async with run_service(database, consumer) as second:
        assert await role_of(second, await admin_bearer(second.client)) == "admin"


async def test_account_of_another_user_is_unchanged_and_logged(
    database: Database, consumer: Consumer
) -> None:
    async with run_service(database, consumer, **WITHOUT_ADMIN) as first:
        await register(first.client, ADMIN, PASSWORD)
    with capture_logs() as logs:
        async with run_service(database, consumer) as second:
            assert await role_of(second, await bearer_of(second.client, ADMIN, PASSWORD)) == "user"
    assert "admin_not_created" in [entry["event"] for entry in logs]


async def test_without_admin_settings_there_is_no_administrator(
    database: Database, consumer: Consumer
) -> None:
    async with run_service(database, consumer, **WITHOUT_ADMIN) as service:
        await register(service.client)
        assert await role_of(service, await bearer_of(service.client)) == "user"
