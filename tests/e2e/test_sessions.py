"""`/v1/sessions`: logging in, refreshing, logging out."""

import httpx
from tests.support.people import PASSWORD, Person, new_user, unused_name
from tests.support.problems import assert_problem


async def _log_in(http: httpx.AsyncClient, person: Person) -> dict[str, str]:
    answer = await http.post("/v1/sessions", json={"name": person.name, "password": person.password})
    assert answer.status_code == 201
    return answer.json()


class TestLogIn:
    async def test_gives_an_access_and_a_refresh_token(
        self, http: httpx.AsyncClient, bystander: Person
    ) -> None:
        session = await _log_in(http, bystander)
        assert session["token_type"] == "bearer"
        assert int(session["expires_in"]) > 0
        assert session["refresh_token"]
        assert (await bystander.holding(session["access_token"]).get("/v1/me")).status_code == 200

    async def test_the_name_may_be_written_in_any_case(
        self, http: httpx.AsyncClient, bystander: Person
    ) -> None:
        login = {"name": bystander.name.upper(), "password": PASSWORD}
        assert (await http.post("/v1/sessions", json=login)).status_code == 201

    async def test_a_wrong_password_and_an_unknown_name_are_told_alike(self, http: httpx.AsyncClient) -> None:
        person = await new_user(http)
        wrong = await http.post("/v1/sessions", json={"name": person.name, "password": "wrong"})
        unknown = await http.post("/v1/sessions", json={"name": unused_name(), "password": "wrong"})
        told = [{**assert_problem(answer, 401), "request_id": None} for answer in (wrong, unknown)]
        assert told[0] == told[1]


class TestRefresh:
    async def test_rotates_both_tokens(self, http: httpx.AsyncClient, bystander: Person) -> None:
        old = await _log_in(http, bystander)
        answer = await http.post("/v1/sessions/refresh", json={"refresh_token": old["refresh_token"]})
        assert answer.status_code == 200
        new = answer.json()
        assert new["refresh_token"] != old["refresh_token"]
        assert (await bystander.holding(new["access_token"]).get("/v1/me")).status_code == 200

    async def test_reusing_an_old_token_ends_the_family(
        self, http: httpx.AsyncClient, bystander: Person
    ) -> None:
        old = await _log_in(http, bystander)
        new = (await http.post("/v1/sessions/refresh", json={"refresh_token": old["refresh_token"]})).json()
        reused = await http.post("/v1/sessions/refresh", json={"refresh_token": old["refresh_token"]})
        assert_problem(reused, 401, "refresh_token_reused")
        ended = await http.post("/v1/sessions/refresh", json={"refresh_token": new["refresh_token"]})
        assert_problem(ended, 401)

    async def test_an_unknown_token_is_401(self, http: httpx.AsyncClient) -> None:
        answer = await http.post("/v1/sessions/refresh", json={"refresh_token": "zq-not-one-of-ours"})
        assert_problem(answer, 401, "refresh_token_invalid")


async def test_logging_out_ends_the_refresh_token(http: httpx.AsyncClient, bystander: Person) -> None:
    session = await _log_in(http, bystander)
    here = bystander.holding(session["access_token"])
    assert (await here.delete("/v1/sessions/current")).status_code == 204
    again = await http.post("/v1/sessions/refresh", json={"refresh_token": session["refresh_token"]})
    assert_problem(again, 401)
    assert (await bystander.get("/v1/me")).status_code == 200


async def test_the_public_keys_are_a_key_set(http: httpx.AsyncClient) -> None:
    answer = await http.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert isinstance(answer.json()["keys"], list)
