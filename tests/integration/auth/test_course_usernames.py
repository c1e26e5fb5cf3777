"""The second dialect of the course API, with user names."""

import httpx
import pytest
from tests.integration.auth.service import ADMIN, ADMIN_PASSWORD, at_once, code_of

ADA = {"username": "ada", "password": "1234"}


async def sign_up(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/signup", json=ADA)


async def test_signup_returns_the_user_without_the_password(client: httpx.AsyncClient) -> None:
    response = await sign_up(client)
    assert response.status_code == 201
    assert response.json()["username"] == "ada"
    assert "password" not in response.text


async def test_taken_user_name_is_409(client: httpx.AsyncClient) -> None:
    await sign_up(client)
    response = await client.post("/signup", json=ADA | {"username": "ADA"})
    assert (response.status_code, code_of(response)) == (409, "name_taken")


async def test_one_of_20_concurrent_signups_succeeds(client: httpx.AsyncClient) -> None:
    assert await at_once(*(sign_up(client) for _ in range(20))) == [201] + [409] * 19


async def test_login_accepts_json(client: httpx.AsyncClient) -> None:
    await sign_up(client)
    response = await client.post("/login", json=ADA)
    assert response.status_code == 200
    assert set(response.json()) == {"access_token", "token_type"}
    headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
    assert (await client.get("/v1/me", headers=headers)).json()["name"] == "ada"


async def test_login_accepts_the_form_fields_of_oauth2(client: httpx.AsyncClient) -> None:
    await sign_up(client)
    response = await client.post("/login", data=ADA | {"grant_type": "password", "scope": ""})
    assert response.status_code == 200
    assert response.json()["token_type"] == "bearer"


async def test_login_accepts_a_multipart_form(client: httpx.AsyncClient) -> None:
    await sign_up(client)
    fields = {name: (None, value) for name, value in ADA.items()}
    assert (await client.post("/login", files=fields)).status_code == 200


@pytest.mark.parametrize("wrong", [{"password": "12345"}, {"username": "bob"}])
@pytest.mark.parametrize("kind", ["json", "data"])
async def test_wrong_login_is_401_with_a_detail(
    client: httpx.AsyncClient, wrong: dict[str, str], kind: str
) -> None:
    await sign_up(client)
    response = await client.post("/login", **{kind: ADA | wrong})  # pyright: ignore[reportArgumentType] - json or data
    assert response.status_code == 401
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b'{"username": 1, "password": "1234"}'),
        ("application/json", b'{"username": "ada"}'),
        ("application/json", b'{"username": "a\\u0000", "password": "1234"}'),
        ("application/x-www-form-urlencoded", b"username=ada"),
        ("application/x-www-form-urlencoded", b"username=%00&password=1234"),
        ("application/x-www-form-urlencoded", b"a=1&" * 50),
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n'),
        ("multipart/form-data; boundary=x", b"nonsense"),
        ("text/plain", b"hello"),
        ("", b""),
    ],
)
async def test_malformed_logins_are_refused(
    client: httpx.AsyncClient, content_type: str, body: bytes
) -> None:
    response = await client.post("/login", content=body, headers={"Content-Type": content_type})
    assert response.status_code in (400, 422)
    assert response.headers["Content-Type"] == "application/problem+json"


async def test_removal_checks_name_and_password(client: httpx.AsyncClient) -> None:
    await sign_up(client)
    wrong = await client.request("DELETE", "/remove_user", json=ADA | {"password": "wrong"})
    assert wrong.status_code == 401
    assert (await client.post("/login", json=ADA)).status_code == 200


async def test_removal_deletes_the_account(client: httpx.AsyncClient) -> None:
    await sign_up(client)
    response = await client.request("DELETE", "/remove_user", json=ADA)
    assert response.status_code == 200
    assert isinstance(response.json()["message"], str)
    assert (await client.post("/login", json=ADA)).status_code == 401


async def test_last_administrator_cannot_be_removed(client: httpx.AsyncClient) -> None:
    body = {"username": ADMIN, "password": ADMIN_PASSWORD}
    response = await client.request("DELETE", "/remove_user", json=body)
    assert (response.status_code, code_of(response)) == (409, "last_admin")


async def test_openapi_shows_json_and_form_logins(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    bodies = document["paths"]["/login"]["post"]["requestBody"]["content"]
    assert {"application/json", "application/x-www-form-urlencoded"} <= set(bodies)
