"""`/v1/users` and `/v1/me`: registration, the own account and its deletion."""

import httpx
import pytest
from tests.support.course import trained_model
from tests.support.people import PASSWORD, Person, logged_in, new_user, unused_name
from tests.support.problems import assert_problem

NEW_PASSWORD = "another password of mine"


class TestRegister:
    async def test_registration_returns_the_user_without_the_password(self, http: httpx.AsyncClient) -> None:
        name = unused_name()
        response = await http.post("/v1/users", json={"name": name, "password": PASSWORD})
        assert response.status_code == 201
        assert response.json()["name"] == name
        assert response.json()["role"] == "user"
        assert isinstance(response.json()["id"], int)
        assert PASSWORD not in response.text

    async def test_registration_grants_the_opening_tokens(self, user: Person) -> None:
        assert await user.balance() == 15

    async def test_taken_name_is_409_in_any_case(self, http: httpx.AsyncClient, bystander: Person) -> None:
        account = {"name": bystander.name.upper(), "password": PASSWORD}
        assert_problem(await http.post("/v1/users", json=account), 409, "name_taken")

    async def test_retried_registration_creates_one_account(self, http: httpx.AsyncClient) -> None:
        account = {"name": unused_name(), "password": PASSWORD}
        key = {"Idempotency-Key": account["name"]}
        first = await http.post("/v1/users", json=account, headers=key)
        again = await http.post("/v1/users", json=account, headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"

    async def test_same_key_with_other_input_is_422(self, http: httpx.AsyncClient) -> None:
        name = unused_name()
        key = {"Idempotency-Key": name}
        await http.post("/v1/users", json={"name": name, "password": PASSWORD}, headers=key)
        other = {"name": name, "password": "another sentence"}
        response = await http.post("/v1/users", json=other, headers=key)
        assert_problem(response, 422, "idempotency_key_reused")

    async def test_same_key_of_another_name_is_another_key(self, http: httpx.AsyncClient) -> None:
        key = {"Idempotency-Key": unused_name()}
        for name in (unused_name(), unused_name()):
            response = await http.post("/v1/users", json={"name": name, "password": PASSWORD}, headers=key)
            assert response.json()["name"] == name

    @pytest.mark.parametrize(
        "name", ["Ünïcödé-{}", "ラマ-{}", "🦙-{}", "O'Hara;DROP-{}", "<b>bold</b>-{}".replace("/", "")]
    )
    async def test_name_may_use_any_script(self, http: httpx.AsyncClient, name: str) -> None:
        person = await new_user(http, name.format(unused_name()))
        assert (await person.get("/v1/me")).json()["name"] == person.name

    async def test_opening_grant_is_given_once_per_name(self, http: httpx.AsyncClient, user: Person) -> None:
        assert (await user.delete("/v1/me")).status_code == 204
        again = await new_user(http, user.name)
        assert await again.balance() == 0


class TestMe:
    async def test_me_shows_the_account(self, bystander: Person) -> None:
        response = await bystander.get("/v1/me")
        assert response.status_code == 200
        assert response.json()["id"] == bystander.id
        assert response.json()["name"] == bystander.name

    async def test_display_name_can_be_changed(self, user: Person) -> None:
        response = await user.patch("/v1/me", json={"display_name": "Ada"})
        assert response.status_code == 200
        assert (await user.get("/v1/me")).json()["display_name"] == "Ada"

    async def test_deletion_ends_the_account_and_its_models(
        self, http: httpx.AsyncClient, user: Person
    ) -> None:
        await trained_model(user)
        assert (await user.delete("/v1/me")).status_code == 204
        login = {"name": user.name, "password": user.password}
        assert_problem(await http.post("/v1/sessions", json=login), 401)
        later = await new_user(http, user.name)
        assert (await later.get("/v1/models")).json()["items"] == []


class TestPassword:
    async def test_new_password_logs_in_and_the_old_one_does_not(
        self, http: httpx.AsyncClient, user: Person
    ) -> None:
        change = {"current_password": user.password, "new_password": NEW_PASSWORD}
        assert (await user.put("/v1/me/password", json=change)).status_code == 204
        old = {"name": user.name, "password": user.password}
        assert_problem(await http.post("/v1/sessions", json=old), 401)
        assert (await logged_in(http, user.name, NEW_PASSWORD)).id == user.id

    async def test_wrong_current_password_changes_nothing(
        self, http: httpx.AsyncClient, user: Person
    ) -> None:
        change = {"current_password": "not the one", "new_password": NEW_PASSWORD}
        assert_problem(await user.put("/v1/me/password", json=change), 403, "wrong_password")
        assert (await logged_in(http, user.name, user.password)).id == user.id

    async def test_password_counts_beyond_72_bytes(self, http: httpx.AsyncClient) -> None:
        person = await new_user(http, password="p" * 72 + "first")
        login = {"name": person.name, "password": "p" * 72 + "other"}
        assert_problem(await http.post("/v1/sessions", json=login), 401)


async def test_export_combines_the_data_of_each_service(owner: Person, line_model: str) -> None:
    response = await owner.get("/v1/me/export")
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"auth", "billing", "ml"}
    assert body["auth"]["user"]["name"] == owner.name
    assert line_model in response.text
    assert PASSWORD not in response.text
