"""A user's own account: read, change, export and delete."""

import asyncpg
import httpx
import pytest
from tests.integration.auth.service import (
    ADA,
    PASSWORD,
    Consumer,
    admin_bearer,
    bearer_of,
    code_of,
    eventually,
    log_in,
    register,
    try_to_log_in,
)

NEW = "another sentence"


async def test_me_returns_own_account(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    response = await client.get("/v1/me", headers=await bearer_of(client))
    assert (response.json()["id"], response.json()["name"]) == (user_id, ADA)


async def test_display_name_can_be_set_and_cleared(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    response = await client.patch("/v1/me", json={"display_name": " Ada Lovelace "}, headers=own)
    assert response.json()["display_name"] == "Ada Lovelace"
    response = await client.patch("/v1/me", json={"display_name": None}, headers=own)
    assert response.json()["display_name"] is None


@pytest.mark.parametrize(
    "body", [{}, {"name": "bob"}, {"role": "admin"}, {"display_name": "x" * 101}, {"display_name": "\x00"}]
)
async def test_other_profile_changes_are_refused(client: httpx.AsyncClient, body: object) -> None:
    await register(client)
    response = await client.patch("/v1/me", json=body, headers=await bearer_of(client))
    assert response.status_code == 422


async def change_password(client: httpx.AsyncClient, current: str, new: str) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await client.put("/v1/me/password", json=body, headers=await bearer_of(client))


async def test_password_change_replaces_the_password(client: httpx.AsyncClient) -> None:
    await register(client)
    assert (await change_password(client, PASSWORD, NEW)).status_code == 204
    assert (await try_to_log_in(client, ADA, PASSWORD)).status_code == 401
    await log_in(client, ADA, NEW)


async def test_password_change_ends_every_token_of_the_user(client: httpx.AsyncClient) -> None:
    await register(client)
    before = await bearer_of(client)
    await change_password(client, PASSWORD, NEW)
    assert (await client.get("/v1/me", headers=before)).status_code == 401


async def test_wrong_current_password_changes_nothing_and_keeps_the_session(
    client: httpx.AsyncClient,
) -> None:
    await register(client)
    response = await change_password(client, "not the password", NEW)
    assert (response.status_code, code_of(response)) == (403, "wrong_password")
    await log_in(client, ADA, PASSWORD)


async def test_short_new_password_is_refused(client: httpx.AsyncClient) -> None:
    await register(client)
    assert (await change_password(client, PASSWORD, "1234567")).status_code == 422


async def test_export_contains_everything_but_secrets(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    key = (await client.post("/v1/api-keys", json={"name": "job"}, headers=own)).json()
    response = await client.get("/v1/me/export", headers=own)
    export = response.json()
    assert export["user"]["id"] == user_id
    assert len(export["sessions"]) == 1
    assert [exported["id"] for exported in export["api_keys"]] == [key["id"]]
    stored = await sql.fetchval("SELECT password_hash FROM auth.users WHERE id = $1", user_id)
    assert stored not in response.text
    assert key["api_key"] not in response.text


class TestDeletion:
    async def test_deletion_ends_tokens_and_logins_and_is_published(
        self, client: httpx.AsyncClient, consumer: Consumer
    ) -> None:
        user_id = await register(client)
        own = await bearer_of(client)
        assert (await client.delete("/v1/me", headers=own)).status_code == 204
        assert (await client.get("/v1/me", headers=own)).status_code == 401
        assert (await try_to_log_in(client, ADA, PASSWORD)).status_code == 401
        for service in ("billing-service", "ml-service"):
            await eventually(
                lambda service=service: consumer.data_of(service, "user_deleted") == [{"user_id": user_id}]
            )

    async def test_deletion_removes_sessions_and_api_keys(
        self, client: httpx.AsyncClient, sql: asyncpg.Connection
    ) -> None:
        user_id = await register(client)
        own = await bearer_of(client)
        await client.post("/v1/api-keys", json={"name": "job"}, headers=own)
        await client.delete("/v1/me", headers=own)
        for table in ("sessions", "api_keys"):
            remaining = f"SELECT count(*) FROM auth.{table} WHERE user_id = $1"  # noqa: S608 - names from above
            assert await sql.fetchval(remaining, user_id) == 0

    async def test_later_user_of_a_deleted_name_has_another_id(self, client: httpx.AsyncClient) -> None:
        first = await register(client)
        old = await bearer_of(client)
        await client.delete("/v1/me", headers=old)
        second = await register(client)
        assert second != first
        assert (await client.get("/v1/me", headers=old)).status_code == 401

    async def test_last_administrator_cannot_delete_own_account(self, client: httpx.AsyncClient) -> None:
        response = await client.delete("/v1/me", headers=await admin_bearer(client))
        assert (response.status_code, code_of(response)) == (409, "last_admin")
        await admin_bearer(client)
