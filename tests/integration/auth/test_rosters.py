"""Rosters: a difference before anything is written, all or nothing, and seats that are claimed once."""

import csv
import io

import httpx
import pytest
from tests.integration.auth.groups import create_code, create_group, join, member_of, new_member
from tests.integration.auth.service import Json, at_once, bearer_of, code_of, register

Headers = dict[str, str]
ROSTER = "external_id,account,name,role,section\n17,ben,Ben,member,A\n18,cleo,Cleo,assistant,A\n19,,Dora,,B\n"


@pytest.fixture
async def owner(client: httpx.AsyncClient) -> Headers:
    await register(client)
    return await bearer_of(client)


@pytest.fixture
async def group(client: httpx.AsyncClient, owner: Headers) -> Json:
    return await create_group(client, owner)


async def send(
    client: httpx.AsyncClient, own: Headers, group: Json, roster: str | bytes, query: str = "", seen: str = ""
) -> httpx.Response:
    headers = own | {"Content-Type": "text/csv"} | ({"If-Match": seen} if seen else {})
    content = roster if isinstance(roster, bytes) else roster.encode()
    return await client.put(f"/v1/groups/{group['id']}/roster?{query}", content=content, headers=headers)


async def apply(
    client: httpx.AsyncClient, own: Headers, group: Json, roster: str, query: str = ""
) -> httpx.Response:
    """Compare, then apply what was shown."""
    compared = await send(client, own, group, roster, query)
    assert compared.status_code == 200, compared.text
    return await send(client, own, group, roster, f"apply=true&{query}", compared.headers["ETag"])


async def rows_of(client: httpx.AsyncClient, own: Headers, group: Json) -> list[dict[str, str]]:
    answer = await client.get(f"/v1/groups/{group['id']}/roster", headers=own)
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_comparison_writes_nothing(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    answer = await send(client, owner, group, ROSTER)
    diff = answer.json()
    assert [seat["external_id"] for seat in diff["added"]] == ["17", "18", "19"]
    assert (diff["applied"], diff["changed"], diff["unchanged"], diff["missing"], diff["errors"]) == (
        False,
        [],
        0,
        [],
        [],
    )
    assert await rows_of(client, owner, group) == []


async def test_difference_is_applied(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    assert (await apply(client, owner, group, ROSTER)).json()["applied"]
    changed = "external_id;name;section;account\n17;Benjamin;A;ben\n20;Eve;;\n"
    diff = (await apply(client, owner, group, changed)).json()
    assert [seat["name"] for seat in diff["added"]] == ["Eve"]
    assert [seat["name"] for seat in diff["changed"]] == ["Benjamin"]
    assert diff["missing"] == ["18", "19"]
    assert [row["name"] for row in await rows_of(client, owner, group)] == [
        *("Benjamin", "Cleo", "Dora", "Eve")
    ]


async def test_missing_leave_only_on_request(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    await apply(client, owner, group, ROSTER)
    _, ben = await member_of(client, "ben")
    code = await create_code(client, owner, group, only_roster=True)
    assert (await join(client, ben, code["code"])).status_code == 201
    without_ben = ROSTER.replace("17,ben,Ben,member,A\n", "")
    await apply(client, owner, group, without_ben)
    assert (await client.get(f"/v1/groups/{group['id']}", headers=ben)).status_code == 200
    await apply(client, owner, group, without_ben, "remove_missing=true")
    assert [row["external_id"] for row in await rows_of(client, owner, group)] == ["18", "19"]
    assert (await client.get(f"/v1/groups/{group['id']}", headers=ben)).status_code == 404


async def test_export_is_imported_unchanged(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    odd = 'external_id,name,section\n1,"=HYPERLINK(""x"")",@a\n2,"Li, ""Bo""",\n3,Zoë,"two\nlines"\n'
    await apply(client, owner, group, odd, "personal_codes=true")
    exported = await client.get(f"/v1/groups/{group['id']}/roster", headers=owner)
    assert "'=HYPERLINK" in exported.text
    diff = (await send(client, owner, group, exported.text)).json()
    assert (diff["added"], diff["changed"], diff["unchanged"], diff["missing"]) == ([], [], 3, [])


async def test_application_needs_the_version_that_was_compared(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    compared = await send(client, owner, group, ROSTER)
    missing = await send(client, owner, group, ROSTER, "apply=true")
    assert (missing.status_code, code_of(missing)) == (422, "invalid_input")
    await apply(client, owner, group, "external_id,name\n1,Other\n")
    stale = await send(client, owner, group, ROSTER, "apply=true", compared.headers["ETag"])
    assert (stale.status_code, code_of(stale)) == (409, "roster_changed")
    assert [row["name"] for row in await rows_of(client, owner, group)] == ["Other"]


async def test_one_of_two_applications_at_once_is_written(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    seen = (await send(client, owner, group, ROSTER)).headers["ETag"]
    other = ROSTER.replace("19", "20")
    requests = [send(client, owner, group, roster, "apply=true", seen) for roster in (ROSTER, other)]
    assert await at_once(*requests) == [200, 409]


async def test_roster_with_invalid_lines_is_not_written(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    invalid = "external_id,name,role,account\n1,Ada,professor,\n1,Bea,,\n3,,,\n4,Cy,,a b\n5,Di,,x,y\n"
    compared = await send(client, owner, group, invalid)
    assert [(error["line"], error["column"]) for error in compared.json()["errors"]] == [
        (2, "role"),
        (3, "external_id"),
        (4, "name"),
        (5, "account"),
        (6, ""),
    ]
    applied = await send(client, owner, group, invalid, "apply=true", compared.headers["ETag"])
    assert (applied.status_code, code_of(applied)) == (422, "roster_invalid")
    assert await rows_of(client, owner, group) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name\nAda\n",
        b"external_id,name,grade\n1,Ada,A\n",
        b"external_id,name\n1,Zo\xeb\n",
        b'external_id,name\n1,"x\n',
    ],
)
async def test_file_that_is_no_roster_is_refused(
    client: httpx.AsyncClient, owner: Headers, group: Json, content: bytes
) -> None:
    response = await send(client, owner, group, content)
    assert (response.status_code, code_of(response)) == (422, "roster_invalid")


async def test_byte_order_mark_and_tabs_are_read(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    answer = await send(client, owner, group, "\ufeffexternal_id\tname\r\n1\tZoë\r\n".encode())
    assert [seat["name"] for seat in answer.json()["added"]] == ["Zoë"]


async def test_two_people_exchange_their_accounts(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    await apply(client, owner, group, "external_id,name,account\n1,Ada,a\n2,Bea,b\n")
    assert (await apply(client, owner, group, "external_id,name,account\n1,Ada,b\n2,Bea,a\n")).is_success
    assert [row["account"] for row in await rows_of(client, owner, group)] == ["b", "a"]


async def test_account_of_a_person_who_is_not_in_the_file_is_taken(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    await apply(client, owner, group, "external_id,name,account\n1,Ada,a\n")
    diff = (await send(client, owner, group, "external_id,name,account\n2,Bea,A\n")).json()
    assert [error["column"] for error in diff["errors"]] == ["account"]


async def test_roster_code_admits_listed_accounts_with_their_role(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    await apply(client, owner, group, ROSTER)
    code = await create_code(client, owner, group, only_roster=True)
    _, cleo = await member_of(client, "Cleo")
    _, eve = await member_of(client, "eve")
    assert (await join(client, cleo, code["code"])).json()["role"] == "assistant"
    assert code_of(await join(client, eve, code["code"])) == "code_unknown"
    members = (await client.get(f"/v1/groups/{group['id']}/members", headers=owner)).json()["items"]
    assert (members[0]["external_id"], members[0]["section"]) == ("18", "A")


async def test_personal_code_gives_its_seat_to_one_account(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    await apply(client, owner, group, ROSTER, "personal_codes=true")
    codes = {row["external_id"]: row["code"] for row in await rows_of(client, owner, group)}
    assert len(set(codes.values())) == 3
    _, dora = await member_of(client, "dora@example.org")
    _, eve = await member_of(client, "eve@example.org")
    assert await at_once(join(client, dora, codes["19"]), join(client, eve, codes["19"])) == [201, 404]
    assert [row["claimed"] for row in await rows_of(client, owner, group)] == ["no", "no", "yes"]


async def test_account_has_one_seat(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    await apply(client, owner, group, ROSTER, "personal_codes=true")
    codes = [row["code"] for row in await rows_of(client, owner, group)]
    _, dora = await member_of(client, "dora")
    assert (await join(client, dora, codes[2])).status_code == 201
    await client.delete(f"/v1/groups/{group['id']}/members/me", headers=dora)
    assert code_of(await join(client, dora, codes[0])) == "code_unknown"


async def test_removed_member_returns_by_a_personal_code(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    ben_id, ben = await new_member(client, owner, group, "ben")
    await client.delete(f"/v1/groups/{group['id']}/members/{ben_id}", headers=owner)
    await apply(client, owner, group, ROSTER, "personal_codes=true")
    code = (await rows_of(client, owner, group))[0]["code"]
    assert (await join(client, ben, code)).status_code == 201


async def test_changed_role_of_a_claimed_seat_is_the_members(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    await apply(client, owner, group, ROSTER)
    _, ben = await new_member(client, owner, group, "ben")
    await apply(client, owner, group, ROSTER.replace("Ben,member", "Ben,assistant"))
    assert (await client.get(f"/v1/groups/{group['id']}", headers=ben)).json()["role"] == "assistant"


async def test_seat_of_a_deleted_user_is_free(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    await apply(client, owner, group, ROSTER)
    _, ben = await new_member(client, owner, group, "ben")
    assert (await client.delete("/v1/me", headers=ben)).status_code == 204
    assert [row["claimed"] for row in await rows_of(client, owner, group)] == ["no", "no", "no"]
