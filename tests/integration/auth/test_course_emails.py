"""The first dialect of the course API, with e-mail addresses."""

import httpx
import pytest
from tests.integration.auth.service import (
    ADA,
    ADMIN,
    ADMIN_PASSWORD,
    Json,
    admin_bearer,
    code_of,
    try_to_log_in,
)

BOB = "bob@example.org"
PWD = "1234"


async def create(client: httpx.AsyncClient, email: str = ADA, pwd: str = PWD) -> httpx.Response:
    return await client.post("/user/create", json={"email": email, "pwd": pwd})


async def log_in(client: httpx.AsyncClient, email: str = ADA, pwd: str = PWD) -> dict[str, str]:
    response = await client.post("/user/login", json={"email": email, "pwd": pwd})
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


async def id_of(client: httpx.AsyncClient, email: str = ADA) -> int:
    return (await client.get("/v1/me", headers=await log_in(client, email))).json()["id"]


async def test_create_returns_the_email(client: httpx.AsyncClient) -> None:
    response = await create(client)
    assert response.status_code == 200
    assert response.json() == {"status": "success", "message": "User created successfully", "email": ADA}


async def test_create_ignores_unknown_fields(client: httpx.AsyncClient) -> None:
    response = await client.post("/user/create", json={"email": ADA, "pwd": "1234", "age": 36})
    assert response.status_code == 200


async def test_taken_email_is_400(client: httpx.AsyncClient) -> None:
    await create(client)
    response = await create(client, ADA.upper())
    assert (response.status_code, code_of(response)) == (400, "email_taken")
    assert "detail" in response.json()


@pytest.mark.parametrize("pwd", ["123", "x" * 73, "", "ab\x00cd"])
async def test_passwords_have_4_to_72_characters(client: httpx.AsyncClient, pwd: str) -> None:
    response = await create(client, ADA, pwd)
    assert response.status_code == 422
    assert "xxx" not in response.text


@pytest.mark.parametrize("pwd", ["1234", "x" * 72, "ü" * 72])
async def test_passwords_at_the_limits_work(client: httpx.AsyncClient, pwd: str) -> None:
    await create(client, ADA, pwd)
    assert await log_in(client, ADA, pwd)


@pytest.mark.parametrize("email", ["ada", "@", "a@", "@b", "a@b@c", "a b@c.org", "a@b\x00.org", 7, None])
async def test_invalid_email_is_refused(client: httpx.AsyncClient, email: object) -> None:
    response = await client.post("/user/create", json={"email": email, "pwd": "1234"})
    assert response.status_code == 422


async def test_login_returns_a_bearer_token(client: httpx.AsyncClient) -> None:
    await create(client)
    response = await client.post("/user/login", json={"email": ADA, "pwd": "1234"})
    assert response.status_code == 200
    assert set(response.json()) == {"status", "access_token", "token_type"}
    assert (response.json()["status"], response.json()["token_type"]) == ("OK", "bearer")


@pytest.mark.parametrize(("email", "pwd"), [(ADA, "wrong"), (BOB, "1234")])
async def test_wrong_login_is_401_with_a_detail(client: httpx.AsyncClient, email: str, pwd: str) -> None:
    await create(client)
    response = await client.post("/user/login", json={"email": email, "pwd": pwd})
    assert response.status_code == 401
    assert isinstance(response.json()["detail"], str)


async def test_account_is_valid_in_v1_and_in_the_other_dialect(client: httpx.AsyncClient) -> None:
    await create(client)
    assert (await try_to_log_in(client, ADA, "1234")).status_code == 201
    response = await client.post("/login", json={"username": ADA, "password": "1234"})
    assert response.status_code == 200


class TestResetPassword:
    async def test_own_reset_replaces_the_password_and_ends_tokens(self, client: httpx.AsyncClient) -> None:
        await create(client)
        own = await log_in(client)
        body = {"email": ADA.upper(), "new_password": "5678"}
        response = await client.post("/user/reset_password", json=body, headers=own)
        assert response.status_code == 200
        assert response.json() == {"status": "success", "message": "Password reset successfully"}
        assert (await client.get("/v1/me", headers=own)).status_code == 401
        await log_in(client, ADA, "5678")

    async def test_reset_for_another_user_is_403(self, client: httpx.AsyncClient) -> None:
        await create(client)
        await create(client, BOB)
        body = {"email": BOB, "new_password": "5678"}
        response = await client.post("/user/reset_password", json=body, headers=await log_in(client))
        assert response.status_code == 403
        await log_in(client, BOB, "1234")

    async def test_admin_resets_a_users_password(self, client: httpx.AsyncClient) -> None:
        await create(client)
        response = await self._reset_as_admin(client, await id_of(client), ADA)
        assert response.status_code == 200
        assert set(response.json()) == {"status", "message"}
        await log_in(client, ADA, "5678")

    async def test_admin_reset_with_another_users_email_is_400(self, client: httpx.AsyncClient) -> None:
        await create(client)
        await create(client, BOB)
        assert (await self._reset_as_admin(client, await id_of(client), BOB)).status_code == 400
        await log_in(client)
        await log_in(client, BOB)

    async def test_admin_reset_of_an_unknown_user_is_404(self, client: httpx.AsyncClient) -> None:
        assert (await self._reset_as_admin(client, 4711, ADA)).status_code == 404

    async def _reset_as_admin(self, client: httpx.AsyncClient, user_id: int, email: str) -> httpx.Response:
        body = {"email": email, "new_password": "5678"}
        path = f"/admin/users/{user_id}/reset_password"
        return await client.post(path, json=body, headers=await admin_bearer(client))


@pytest.mark.parametrize("route", ["/user/remove_user", "/admin/users/{}"])
class TestRemoval:
    async def test_admin_removes_a_user(self, client: httpx.AsyncClient, route: str) -> None:
        await create(client)
        own = await log_in(client)
        response = await self._remove(client, route, await id_of(client))
        assert response.status_code == 200
        assert response.json()["status"] == "success"
        assert isinstance(response.json()["message"], str)
        assert (await client.get("/v1/me", headers=own)).status_code == 401

    async def test_admin_cannot_remove_own_account(self, client: httpx.AsyncClient, route: str) -> None:
        administrator = (await client.get("/v1/me", headers=await admin_bearer(client))).json()
        assert (await self._remove(client, route, administrator["id"])).status_code == 403
        await log_in(client, ADMIN, ADMIN_PASSWORD)

    async def test_removal_of_an_unknown_user_is_404(self, client: httpx.AsyncClient, route: str) -> None:
        assert (await self._remove(client, route, 4711)).status_code == 404

    async def test_removal_by_a_user_is_403(self, client: httpx.AsyncClient, route: str) -> None:
        await create(client)
        await create(client, BOB)
        target = await id_of(client, BOB)
        assert (await self._remove(client, route, target, await log_in(client))).status_code == 403
        await log_in(client, BOB)

    async def _remove(
        self, client: httpx.AsyncClient, route: str, user_id: int, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        body: Json | None = None if "{}" in route else {"user_id": user_id}
        caller = headers or await admin_bearer(client)
        return await client.request("DELETE", route.format(user_id), json=body, headers=caller)


@pytest.mark.parametrize("user_id", [True, "x", None, 0, 2**63, 1.5])
async def test_invalid_user_id_is_refused(client: httpx.AsyncClient, user_id: object) -> None:
    response = await client.request(
        "DELETE", "/user/remove_user", json={"user_id": user_id}, headers=await admin_bearer(client)
    )
    assert response.status_code == 422
