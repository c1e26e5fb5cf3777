"""`/v1/api-keys`: keys for programs, with scopes, a token cap and an expiry."""

import pytest
from tests.support.course import trained_model
from tests.support.people import Person
from tests.support.problems import assert_problem

FEATURES = {"features": {"x": 10, "noise": 3}}


async def _create_key(owner: Person, **fields: object) -> tuple[int, Person]:
    response = await owner.post("/v1/api-keys", json={"name": "a program", **fields})
    assert response.status_code == 201, response.text
    key = response.json()
    assert key["api_key"].startswith("fbx_")
    return key["id"], owner.with_credential(key["api_key"])


async def test_key_authenticates_its_owner(user: Person) -> None:
    _, program = await _create_key(user)
    assert (await program.get("/v1/me")).json()["id"] == user.id


async def test_key_is_shown_once(user: Person) -> None:
    key_id, program = await _create_key(user)
    response = await user.get("/v1/api-keys")
    assert [key["id"] for key in response.json()["items"]] == [key_id]
    assert program.credential not in response.text


async def test_retried_creation_creates_one_key(user: Person) -> None:
    again = {"Idempotency-Key": "create-one"}
    first = await user.post("/v1/api-keys", json={"name": "a program"}, headers=again)
    second = await user.post("/v1/api-keys", json={"name": "a program"}, headers=again)
    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len((await user.get("/v1/api-keys")).json()["items"]) == 1


async def test_key_without_the_scope_is_refused(user: Person) -> None:
    name = await trained_model(user)
    _, program = await _create_key(user, scopes=["read"])
    assert (await program.get(f"/v1/models/{name}")).status_code == 200
    assert_problem(await program.post(f"/v1/models/{name}/predict", json=FEATURES), 403)
    assert await user.balance() == 14


async def test_key_spends_up_to_its_token_cap(user: Person) -> None:
    name = await trained_model(user)
    _, program = await _create_key(user, scopes=["predict"], token_cap=7)
    assert (await program.post(f"/v1/models/{name}/predict", json=FEATURES)).status_code == 200
    response = await program.post(f"/v1/models/{name}/predict", json=FEATURES)
    assert_problem(response, 402, "token_cap_reached")
    assert await user.balance() == 9


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/api-keys"), ("DELETE", "/v1/me"), ("PUT", "/v1/me/password"), ("POST", "/v1/purchases")],
)
async def test_key_cannot_change_the_account(user: Person, method: str, path: str) -> None:
    _, program = await _create_key(user)
    bodies = {
        "/v1/api-keys": {"name": "another"},
        "/v1/me/password": {"current_password": user.password, "new_password": "long enough"},
        "/v1/purchases": {"amount": 1, "credit_card": "4242424242424242"},
    }
    assert_problem(await program.request(method, path, json=bodies.get(path)), 403)


async def test_key_of_an_administrator_has_no_admin_rights(admin: Person) -> None:
    key_id, program = await _create_key(admin)
    assert_problem(await program.get("/v1/users"), 403)
    assert (await admin.delete(f"/v1/api-keys/{key_id}")).status_code == 204


async def test_key_of_another_user_cannot_be_revoked(user: Person, bystander: Person) -> None:
    key_id, program = await _create_key(user)
    assert_problem(await bystander.delete(f"/v1/api-keys/{key_id}"), 404)
    assert (await program.get("/v1/me")).status_code == 200
