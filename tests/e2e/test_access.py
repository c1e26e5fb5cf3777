"""Every published route as an anonymous client, another user, the owner and an administrator."""

import re

import httpx
import pytest
import pytest_asyncio
from tests.support.access import CHALLENGE, RULES, Access, Rule, World
from tests.support.people import PASSWORD, Person, logged_in, new_user
from tests.support.problems import assert_problem
from tests.support.training import train, upload

METHODS = {"get", "post", "put", "patch", "delete"}
NEEDS_A_MODEL = {"name", "model_name", "job_id", "receipt_id"}
ALLOWED = "allowed"
# The status for each kind of caller, by the route's access rule.
EXPECTED = {
    "anonymous": {
        Access.PUBLIC: ALLOWED,
        **dict.fromkeys((Access.ANYONE, Access.OWNER, Access.OWNER_OR_ADMIN, Access.ADMIN), 401),
    },
    "other": {
        Access.PUBLIC: ALLOWED,
        Access.ANYONE: ALLOWED,
        Access.OWNER: 404,
        Access.OWNER_OR_ADMIN: 404,
        Access.ADMIN: 403,
    },
    "owner": {**dict.fromkeys(Access, ALLOWED), Access.ADMIN: 403},
    "admin": {**dict.fromkeys(Access, ALLOWED), Access.OWNER: 404},
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def guarded(http: httpx.AsyncClient) -> dict[str, bool]:
    """Each route of the OpenAPI document; True when the document marks it as authenticated."""
    paths = (await http.get("/openapi.json")).json()["paths"]
    return {
        f"{method.upper()} {path}": bool(operation.get("security"))
        for path, item in paths.items()
        for method, operation in item.items()
        if method in METHODS
    }


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lasting_world(http: httpx.AsyncClient) -> World:
    """A world for requests that change nothing."""
    return await _create_world(http, {*NEEDS_A_MODEL, "dataset_id", "key_id", "group_id", "challenge_id"})


def test_every_published_route_has_a_rule(guarded: dict[str, bool]) -> None:
    assert guarded.keys() == RULES.keys()


def test_openapi_marks_routes_that_require_authentication(guarded: dict[str, bool]) -> None:
    assert guarded == {route: rule.access is not Access.PUBLIC for route, rule in RULES.items()}


@pytest.mark.parametrize("role", EXPECTED)
@pytest.mark.parametrize("route", RULES)
async def test_route_is_open_to_its_callers_only(
    http: httpx.AsyncClient, admin: Person, lasting_world: World, route: str, role: str
) -> None:
    rule, expected = RULES[route], EXPECTED[role][RULES[route].access]
    changes = expected == ALLOWED and not route.startswith("GET ")
    world = await _create_world(http, _placeholders(route)) if changes else lasting_world
    caller = await _caller(http, admin, world, role)
    response = await _send(caller, route, rule, world)
    if expected == ALLOWED:
        assert response.is_success or response.status_code in rule.also, (response.status_code, response.text)
    else:
        assert_problem(response, int(expected))


async def _send(caller: Person, route: str, rule: Rule, world: World) -> httpx.Response:
    method, path = route.format(**world.ids).split(" ", 1)
    sent = rule.send(caller, world) if rule.send else {}
    if caller.credential:
        return await caller.request(method, path, **sent)
    return await caller.http.request(method, path, **sent)


async def _caller(http: httpx.AsyncClient, admin: Person, world: World, role: str) -> Person:
    match role:
        case "anonymous":
            return Person(http, 0, "nobody", PASSWORD, "")
        case "owner":
            return world.owner
        case "other":
            return await new_user(http)
        case _:
            return await _new_admin(http, admin)


async def _new_admin(http: httpx.AsyncClient, admin: Person) -> Person:
    """A new administrator, since some requests end the caller's session or account."""
    user = await new_user(http)
    assert (await admin.patch(f"/v1/users/{user.id}", json={"role": "admin"})).status_code == 200
    return await logged_in(http, user.name, user.password)


def _placeholders(route: str) -> set[str]:
    names = set(re.findall(r"\{(\w+)\}", route))
    return names | {"dataset_id"} if route == "POST /v1/models" else names


async def _create_world(http: httpx.AsyncClient, needs: set[str]) -> World:
    owner = await new_user(http)
    session = await http.post("/v1/sessions", json={"name": owner.name, "password": PASSWORD})
    ids: dict[str, object] = {"user_id": owner.id, "username": owner.name, "action": "predict"}
    if needs & NEEDS_A_MODEL:
        ids |= await _train(owner)
    if "dataset_id" in needs:
        ids["dataset_id"] = await upload(owner)
    if "key_id" in needs:
        ids["key_id"] = (await owner.post("/v1/api-keys", json={"name": "a program"})).json()["id"]
    if needs & {"group_id", "code_id", "rule_id", "limit_id", "challenge_id", "submission_id"}:
        ids |= await _create_group(owner)
    if needs & {"challenge_id", "submission_id"}:
        ids |= await _create_challenge(owner, ids["group_id"])
    return World(owner, session.json()["refresh_token"], ids)


async def _create_group(owner: Person) -> dict[str, object]:
    body = {"name": "Statistics", "kind": "class", "time_zone": "Europe/Berlin"}
    group = (await owner.post("/v1/groups", json=body)).json()
    url = f"/v1/groups/{group['id']}"
    code = (await owner.post(f"{url}/join-codes", json={})).json()
    rule = (await owner.post(f"{url}/allowance-rules", json={"amount": 5, "every": "P1W"})).json()
    limit = (await owner.post(f"{url}/limits", json={"amount": 5})).json()
    return {"group_id": group["id"], "code_id": code["id"], "rule_id": rule["id"], "limit_id": limit["id"]}


async def _create_challenge(owner: Person, group_id: object) -> dict[str, object]:
    """A draft; submissions have an id that nobody's has."""
    draft = await owner.post(f"/v1/groups/{group_id}/challenges", json=CHALLENGE)
    return {"challenge_id": draft.json()["id"], "submission_id": 2**62}


async def _train(owner: Person) -> dict[str, object]:
    model = await train(owner)
    job = (await owner.get(f"/v1/jobs/{model['job_id']}")).json()
    return {
        "name": model["name"],
        "model_name": model["name"],
        "job_id": job["id"],
        "receipt_id": job["receipt_id"],
    }
