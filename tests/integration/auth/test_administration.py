"""Administration of users' accounts."""

import asyncio

import httpx
import pytest
from tests.integration.auth.service import (
    ADA,
    ADMIN,
    ADMIN_PASSWORD,
    PASSWORD,
    Consumer,
    admin_bearer,
    at_once,
    bearer_of,
    code_of,
    eventually,
    log_in,
    register,
    try_to_log_in,
)


async def change(client: httpx.AsyncClient, user_id: int, **changes: object) -> httpx.Response:
    return await client.patch(f"/v1/users/{user_id}", json=changes, headers=await admin_bearer(client))


async def own_id(client: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get("/v1/me", headers=headers)).json()["id"]


async def create_admin(client: httpx.AsyncClient, name: str) -> int:
    user_id = await register(client, name)
    assert (await change(client, user_id, role="admin")).status_code == 200
    return user_id


async def test_promoted_user_is_administrator_after_a_new_login(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    before = await bearer_of(client)
    assert (await change(client, user_id, role="admin")).json()["role"] == "admin"
    assert (await client.get("/v1/me", headers=before)).status_code == 401
    after = await bearer_of(client)
    assert (await client.patch(f"/v1/users/{user_id}", json={}, headers=after)).status_code == 200


async def test_disabled_user_cannot_log_in_until_enabled(
    client: httpx.AsyncClient, consumer: Consumer
) -> None:
    user_id = await register(client)
    before = await bearer_of(client)
    await change(client, user_id, disabled=True)
    assert (await client.get("/v1/me", headers=before)).status_code == 401
    assert code_of(await try_to_log_in(client, ADA, PASSWORD)) == "account_disabled"
    assert (await try_to_log_in(client, ADA, "not the password")).status_code == 401
    await change(client, user_id, disabled=False)
    await log_in(client)
    await eventually(
        lambda: (
            [data["disabled"] for data in consumer.data_of("billing-service", "user_changed")]
            == [True, False]
        )
    )


async def test_change_without_effect_keeps_the_tokens(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    await change(client, user_id, role="user", disabled=False)
    assert (await client.get("/v1/me", headers=own)).status_code == 200


@pytest.mark.parametrize("body", [{"role": "owner"}, {"disabled": 1}, {"name": "bob"}, {"generation": 0}])
async def test_invalid_changes_are_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    user_id = await register(client)
    assert (await change(client, user_id, **body)).status_code == 422


async def test_password_reset_replaces_the_password_and_ends_tokens(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    body = {"new_password": "given by the admin"}
    administrator = await admin_bearer(client)
    response = await client.put(f"/v1/users/{user_id}/password", json=body, headers=administrator)
    assert response.status_code == 204
    assert (await client.get("/v1/me", headers=own)).status_code == 401
    await log_in(client, ADA, "given by the admin")


async def test_deleted_user_is_not_found_and_loses_tokens(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    own, administrator = await bearer_of(client), await admin_bearer(client)
    assert (await client.delete(f"/v1/users/{user_id}", headers=administrator)).status_code == 204
    assert (await client.get("/v1/me", headers=own)).status_code == 401
    again = await client.delete(f"/v1/users/{user_id}", headers=administrator)
    assert (again.status_code, code_of(again)) == (404, "user_not_found")


async def test_admin_cannot_delete_own_account(client: httpx.AsyncClient) -> None:
    administrator = await admin_bearer(client)
    user_id = await own_id(client, administrator)
    response = await client.delete(f"/v1/users/{user_id}", headers=administrator)
    assert (response.status_code, code_of(response)) == (403, "own_account")


@pytest.mark.parametrize("changes", [{"role": "user"}, {"disabled": True}])
async def test_last_administrator_cannot_be_demoted_or_disabled(
    client: httpx.AsyncClient, changes: dict[str, object]
) -> None:
    user_id = await own_id(client, await admin_bearer(client))
    response = await change(client, user_id, **changes)
    assert (response.status_code, code_of(response)) == (409, "last_admin")
    await admin_bearer(client)


async def test_admin_can_delete_own_account_while_another_is_active(client: httpx.AsyncClient) -> None:
    await create_admin(client, ADA)
    assert (await client.delete("/v1/me", headers=await admin_bearer(client))).status_code == 204


async def test_disabled_administrator_does_not_count_as_another(client: httpx.AsyncClient) -> None:
    await change(client, await create_admin(client, ADA), disabled=True)
    response = await client.delete("/v1/me", headers=await admin_bearer(client))
    assert response.status_code == 409


async def test_concurrent_deletions_leave_one_admin(client: httpx.AsyncClient) -> None:
    await create_admin(client, ADA)
    first, second = await admin_bearer(client), await bearer_of(client)
    assert await at_once(client.delete("/v1/me", headers=first), client.delete("/v1/me", headers=second)) == [
        204,
        409,
    ]


async def test_concurrent_demotions_leave_one_admin(client: httpx.AsyncClient) -> None:
    admins = [(ADMIN, ADMIN_PASSWORD)]
    for number in range(4):
        await create_admin(client, f"admin{number}")
        admins.append((f"admin{number}", PASSWORD))
    bearers = [await bearer_of(client, *admin) for admin in admins]
    ids = [await own_id(client, own) for own in bearers]
    next_admin = ids[1:] + ids[:1]
    await asyncio.gather(
        *(
            client.patch(f"/v1/users/{other}", json={"role": "user"}, headers=own)
            for other, own in zip(next_admin, bearers, strict=True)
        )
    )
    roles = [(await client.get("/v1/me", headers=await bearer_of(client, *admin))).json() for admin in admins]
    assert [user["role"] for user in roles].count("admin") >= 1
