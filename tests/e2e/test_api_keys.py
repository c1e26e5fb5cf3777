"""`/v1/api-keys`: keys for programs, with scopes, a token cap and an expiry."""

import pytest
from tests.support.course import trained_model
from tests.support.people import Person
from tests.support.problems import assert_problem

FEATURES = {"features": {"x": 10, "noise": 3}}


async def _make_key(owner: Person, **order: object) -> tuple[int, Person]:
    answer = await owner.post("/v1/api-keys", json={"name": "a program", **order})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["api_key"].startswith("fbx_")
    return made["id"], owner.holding(made["api_key"])


async def test_key_authenticates_its_owner(user: Person) -> None:
    _, program = await _make_key(user)
    assert (await program.get("/v1/me")).json()["id"] == user.id


async def test_key_is_shown_once(user: Person) -> None:
    key_id, program = await _make_key(user)
    answer = await user.get("/v1/api-keys")
    assert [each["id"] for each in answer.json()["items"]] == [key_id]
    assert program.credential not in answer.text


async def test_retried_creation_creates_one_key(user: Person) -> None:
    again = {"Idempotency-Key": "make-one"}
    first = await user.post("/v1/api-keys", json={"name": "a program"}, headers=again)
    second = await user.post("/v1/api-keys", json={"name": "a program"}, headers=again)
    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len((await user.get("/v1/api-keys")).json()["items"]) == 1


async def test_key_without_the_scope_is_refused(user: Person) -> None:
    name = await trained_model(user)
    _, program = await _make_key(user, scopes=["read"])
    assert (await program.get(f"/v1/models/{name}")).status_code == 200
    assert_problem(await program.post(f"/v1/models/{name}/predict", json=FEATURES), 403)
    assert await user.balance() == 14


async def test_key_spends_up_to_its_token_cap(user: Person) -> None:
    name = await trained_model(user)
    _, program = await _make_key(user, scopes=["predict"], token_cap=7)
    assert (await program.post(f"/v1/models/{name}/predict", json=FEATURES)).status_code == 200
    answer = await program.post(f"/v1/models/{name}/predict", json=FEATURES)
    assert_problem(answer, 402, "token_cap_reached")
    assert await user.balance() == 9


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/api-keys"), ("DELETE", "/v1/me"), ("PUT", "/v1/me/password"), ("POST", "/v1/purchases")],
)
async def test_key_cannot_change_the_account(user: Person, method: str, path: str) -> None:
    _, program = await _make_key(user)
    bodies = {
        "/v1/api-keys": {"name": "another"},
        "/v1/me/password": {"current_password": user.password, "new_password": "long enough"},
        "/v1/purchases": {"amount": 1, "credit_card": "4242424242424242"},
    }
    assert_problem(await program.request(method, path, json=bodies.get(path)), 403)


async def test_key_of_an_administrator_has_no_admin_rights(admin: Person) -> None:
    key_id, program = await _make_key(admin)
    assert_problem(await program.get("/v1/users"), 403)
    assert (await admin.delete(f"/v1/api-keys/{key_id}")).status_code == 204


async def test_key_of_another_user_cannot_be_revoked(user: Person, bystander: Person) -> None:
    key_id, program = await _make_key(user)
    assert_problem(await bystander.delete(f"/v1/api-keys/{key_id}"), 404)
    assert (await program.get("/v1/me")).status_code == 200
