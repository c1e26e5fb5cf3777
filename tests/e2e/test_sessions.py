"""`/v1/sessions`: login, refresh, logout."""

import httpx
from tests.support.people import PASSWORD, Person, new_user, unused_name
from tests.support.problems import assert_problem


async def _log_in(http: httpx.AsyncClient, person: Person) -> dict[str, str]:
    response = await http.post("/v1/sessions", json={"name": person.name, "password": person.password})
    assert response.status_code == 201
    return response.json()


class TestLogIn:
    async def test_login_returns_an_access_and_a_refresh_token(
        self, http: httpx.AsyncClient, bystander: Person
    ) -> None:
        session = await _log_in(http, bystander)
        assert session["token_type"] == "bearer"
        assert int(session["expires_in"]) > 0
        assert session["refresh_token"]
        assert (await bystander.with_credential(session["access_token"]).get("/v1/me")).status_code == 200

    async def test_login_ignores_the_case_of_the_name(
        self, http: httpx.AsyncClient, bystander: Person
    ) -> None:
        login = {"name": bystander.name.upper(), "password": PASSWORD}
        assert (await http.post("/v1/sessions", json=login)).status_code == 201

    async def test_wrong_password_and_unknown_name_have_the_same_response(
        self, http: httpx.AsyncClient
    ) -> None:
        person = await new_user(http)
        wrong = await http.post("/v1/sessions", json={"name": person.name, "password": "wrong"})
        unknown = await http.post("/v1/sessions", json={"name": unused_name(), "password": "wrong"})
        received = [{**assert_problem(response, 401), "request_id": None} for response in (wrong, unknown)]
        assert received[0] == received[1]


class TestRefresh:
    async def test_refresh_rotates_both_tokens(self, http: httpx.AsyncClient, bystander: Person) -> None:
        old = await _log_in(http, bystander)
        response = await http.post("/v1/sessions/refresh", json={"refresh_token": old["refresh_token"]})
        assert response.status_code == 200
        new = response.json()
        assert new["refresh_token"] != old["refresh_token"]
        assert (await bystander.with_credential(new["access_token"]).get("/v1/me")).status_code == 200

    async def test_lost_answer_is_given_once_more_and_further_reuse_ends_the_session(
        self, http: httpx.AsyncClient, bystander: Person
    ) -> None:
        old = await _log_in(http, bystander)
        new = (await http.post("/v1/sessions/refresh", json={"refresh_token": old["refresh_token"]})).json()
        again = await http.post("/v1/sessions/refresh", json={"refresh_token": old["refresh_token"]})
        assert again.json()["refresh_token"] == new["refresh_token"]
        reused = await http.post("/v1/sessions/refresh", json={"refresh_token": old["refresh_token"]})
        assert_problem(reused, 401, "refresh_token_reused")
        ended = await http.post("/v1/sessions/refresh", json={"refresh_token": new["refresh_token"]})
        assert_problem(ended, 401)

    async def test_unknown_refresh_token_is_401(self, http: httpx.AsyncClient) -> None:
        response = await http.post("/v1/sessions/refresh", json={"refresh_token": "zq-not-one-of-ours"})
        assert_problem(response, 401, "refresh_token_invalid")


async def test_logout_revokes_the_refresh_token(http: httpx.AsyncClient, bystander: Person) -> None:
    session = await _log_in(http, bystander)
    here = bystander.with_credential(session["access_token"])
    assert (await here.delete("/v1/sessions/current")).status_code == 204
    again = await http.post("/v1/sessions/refresh", json={"refresh_token": session["refresh_token"]})
    assert_problem(again, 401)
    assert (await bystander.get("/v1/me")).status_code == 200


async def test_public_keys_are_a_jwk_set(http: httpx.AsyncClient) -> None:
    response = await http.get("/.well-known/jwks.json")
    assert response.status_code == 200
    assert isinstance(response.json()["keys"], list)
