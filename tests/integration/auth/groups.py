"""Frequent requests about groups."""

import httpx
from tests.integration.auth.service import Json, bearer_of, register

Headers = dict[str, str]


async def create_group(client: httpx.AsyncClient, owner: Headers) -> Json:
    body = {"name": "Statistics 2", "kind": "class", "time_zone": "Europe/Berlin"}
    response = await client.post("/v1/groups", json=body, headers=owner)
    assert response.status_code == 201, response.text
    return response.json()


async def create_code(client: httpx.AsyncClient, owner: Headers, group: Json, **body: object) -> Json:
    response = await client.post(f"/v1/groups/{group['id']}/join-codes", json=body, headers=owner)
    assert response.status_code == 201, response.text
    return response.json()


async def join(client: httpx.AsyncClient, own: Headers, code: str) -> httpx.Response:
    return await client.post("/v1/memberships", json={"code": code}, headers=own)


async def member_of(client: httpx.AsyncClient, name: str) -> tuple[int, Headers]:
    """A new user, who may join."""
    return await register(client, name), await bearer_of(client, name)


async def new_member(
    client: httpx.AsyncClient, owner: Headers, group: Json, name: str
) -> tuple[int, Headers]:
    user_id, own = await member_of(client, name)
    code = await create_code(client, owner, group)
    assert (await join(client, own, code["code"])).status_code == 201
    return user_id, own
