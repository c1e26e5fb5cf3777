"""Revocation takes effect within 5 seconds, at the gateway and behind it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
from tests.support.people import Person, logged_in
from tests.support.problems import assert_problem

WITHIN_SECONDS = 5
NEW_PASSWORD = "a new password"
# One route of each service that checks tokens.
GUARDED = ("/v1/me", "/v1/me/wallet", "/v1/jobs")


@dataclass(frozen=True)
class Ending:
    """An action of the administrator or the user that revokes the user's tokens."""

    name: str
    do: Callable[[Person, Person], Awaitable[httpx.Response]]


ENDINGS = [
    Ending("deleted_by_the_user", lambda _, user: user.delete("/v1/me")),
    Ending("deleted_by_an_admin", lambda admin, user: admin.delete(f"/v1/users/{user.id}")),
    Ending("disabled", lambda admin, user: admin.patch(f"/v1/users/{user.id}", json={"disabled": True})),
    Ending("role_changed", lambda admin, user: admin.patch(f"/v1/users/{user.id}", json={"role": "admin"})),
    Ending(
        "password_changed",
        lambda _, user: user.put(
            "/v1/me/password", json={"current_password": user.password, "new_password": NEW_PASSWORD}
        ),
    ),
    Ending(
        "password_reset",
        lambda admin, user: admin.put(f"/v1/users/{user.id}/password", json={"new_password": NEW_PASSWORD}),
    ),
    Ending(
        "course_password_reset",
        lambda _, user: user.post(
            "/user/reset_password", json={"email": user.name, "new_password": NEW_PASSWORD}
        ),
    ),
    Ending("logged_out", lambda _, user: user.delete("/v1/sessions/current")),
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)
async def test_tokens_of_an_ended_account_are_revoked(admin: Person, user: Person, ending: Ending) -> None:
    await _use_everywhere(user)
    response = await ending.do(admin, user)
    assert response.is_success, response.text
    await _assert_revoked(user)


async def test_revoked_api_key_is_refused(user: Person) -> None:
    key = (await user.post("/v1/api-keys", json={"name": "a program"})).json()
    program = user.with_credential(key["api_key"])
    await _use_everywhere(program)
    assert (await user.delete(f"/v1/api-keys/{key['id']}")).status_code == 204
    await _assert_revoked(program)


@pytest.mark.parametrize(
    "ending",
    [ending for ending in ENDINGS if ending.name in {"deleted_by_an_admin", "disabled", "password_reset"}],
    ids=lambda ending: ending.name,
)
async def test_api_key_is_revoked_with_its_owners_account(
    admin: Person, user: Person, ending: Ending
) -> None:
    key = (await user.post("/v1/api-keys", json={"name": "a program"})).json()
    program = user.with_credential(key["api_key"])
    await _use_everywhere(program)
    assert (await ending.do(admin, user)).is_success
    await _assert_revoked(program)


async def test_logout_leaves_other_sessions_valid(http: httpx.AsyncClient, user: Person) -> None:
    elsewhere = await logged_in(http, user.name, user.password)
    await elsewhere.delete("/v1/sessions/current")
    await _assert_revoked(elsewhere)
    await _use_everywhere(user)


async def test_new_user_with_a_deleted_name_inherits_nothing(
    http: httpx.AsyncClient, admin: Person, user: Person
) -> None:
    assert (await admin.delete(f"/v1/users/{user.id}")).status_code == 204
    created = await http.post("/v1/users", json={"name": user.name, "password": user.password})
    assert created.status_code == 201
    await _assert_revoked(user)


async def _use_everywhere(person: Person) -> None:
    """Use the credential at every service, so that every verifier may have cached it."""
    for path in GUARDED:
        response = await person.get(path)
        assert response.status_code == 200, response.text


async def _assert_revoked(person: Person) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    for path in GUARDED:
        while (response := await person.get(path)).status_code != 401:
            assert time.monotonic() < deadline, (path, response.text)
            await asyncio.sleep(0.05)
        assert_problem(response, 401)
