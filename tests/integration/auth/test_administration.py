"""What administrators do to other people's accounts."""

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


async def change(client: httpx.AsyncClient, user_id: int, **what: object) -> httpx.Response:
    return await client.patch(f"/v1/users/{user_id}", json=what, headers=await admin_bearer(client))


async def own_id(client: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get("/v1/me", headers=headers)).json()["id"]


async def make_admin(client: httpx.AsyncClient, name: str) -> int:
    user_id = await register(client, name)
    assert (await change(client, user_id, role="admin")).status_code == 200
    return user_id


async def test_a_promoted_user_logs_in_again_as_an_administrator(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    before = await bearer_of(client)
    assert (await change(client, user_id, role="admin")).json()["role"] == "admin"
    assert (await client.get("/v1/me", headers=before)).status_code == 401
    after = await bearer_of(client)
    assert (await client.patch(f"/v1/users/{user_id}", json={}, headers=after)).status_code == 200


async def test_a_disabled_user_is_out_until_enabled(client: httpx.AsyncClient, consumer: Consumer) -> None:
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


async def test_a_change_that_changes_nothing_keeps_the_tokens(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    await change(client, user_id, role="user", disabled=False)
    assert (await client.get("/v1/me", headers=own)).status_code == 200


@pytest.mark.parametrize("body", [{"role": "owner"}, {"disabled": 1}, {"name": "bob"}, {"generation": 0}])
async def test_unknown_changes_are_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    user_id = await register(client)
    assert (await change(client, user_id, **body)).status_code == 422


async def test_a_reset_password_replaces_the_old_one_and_ends_tokens(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    body = {"new_password": "given by the admin"}
    administrator = await admin_bearer(client)
    answer = await client.put(f"/v1/users/{user_id}/password", json=body, headers=administrator)
    assert answer.status_code == 204
    assert (await client.get("/v1/me", headers=own)).status_code == 401
    await log_in(client, ADA, "given by the admin")


async def test_a_deleted_user_is_gone(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    own, administrator = await bearer_of(client), await admin_bearer(client)
    assert (await client.delete(f"/v1/users/{user_id}", headers=administrator)).status_code == 204
    assert (await client.get("/v1/me", headers=own)).status_code == 401
    again = await client.delete(f"/v1/users/{user_id}", headers=administrator)
    assert (again.status_code, code_of(again)) == (404, "user_not_found")


async def test_administrators_do_not_delete_themselves_here(client: httpx.AsyncClient) -> None:
    administrator = await admin_bearer(client)
    user_id = await own_id(client, administrator)
    answer = await client.delete(f"/v1/users/{user_id}", headers=administrator)
    assert (answer.status_code, code_of(answer)) == (403, "own_account")


@pytest.mark.parametrize("what", [{"role": "user"}, {"disabled": True}])
async def test_the_last_administrator_stays_one(client: httpx.AsyncClient, what: dict[str, object]) -> None:
    user_id = await own_id(client, await admin_bearer(client))
    answer = await change(client, user_id, **what)
    assert (answer.status_code, code_of(answer)) == (409, "last_admin")
    await admin_bearer(client)


async def test_an_administrator_can_leave_when_another_one_works(client: httpx.AsyncClient) -> None:
    await make_admin(client, ADA)
    assert (await client.delete("/v1/me", headers=await admin_bearer(client))).status_code == 204


async def test_a_disabled_administrator_does_not_count(client: httpx.AsyncClient) -> None:
    await change(client, await make_admin(client, ADA), disabled=True)
    answer = await client.delete("/v1/me", headers=await admin_bearer(client))
    assert answer.status_code == 409


async def test_two_administrators_who_delete_themselves_at_once_leave_one(client: httpx.AsyncClient) -> None:
    await make_admin(client, ADA)
    first, second = await admin_bearer(client), await bearer_of(client)
    assert await at_once(client.delete("/v1/me", headers=first), client.delete("/v1/me", headers=second)) == [
        204,
        409,
    ]


async def test_administrators_who_demote_each_other_at_once_leave_one(client: httpx.AsyncClient) -> None:
    people = [(ADMIN, ADMIN_PASSWORD)]
    for number in range(4):
        await make_admin(client, f"admin{number}")
        people.append((f"admin{number}", PASSWORD))
    bearers = [await bearer_of(client, *each) for each in people]
    ids = [await own_id(client, each) for each in bearers]
    next_one = ids[1:] + ids[:1]
    await asyncio.gather(
        *(
            client.patch(f"/v1/users/{other}", json={"role": "user"}, headers=own)
            for other, own in zip(next_one, bearers, strict=True)
        )
    )
    roles = [(await client.get("/v1/me", headers=await bearer_of(client, *each))).json() for each in people]
    assert [each["role"] for each in roles].count("admin") >= 1
