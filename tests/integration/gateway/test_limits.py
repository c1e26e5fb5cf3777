"""Rate limits as clients meet them."""

from tests.integration.gateway.conftest import Running, Start
from tests.support.tokens import bearer


async def test_logins_beyond_the_limit_are_refused_with_when_to_come_back(start: Start) -> None:
    gateway = await start(farebox_rate_limits="login=3/60")
    answers = [await gateway.client.post("/login", json={}) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"login";q=3;w=60'
    assert answers[0].headers["ratelimit"] == '"login";r=2;t=20'
    assert answers[3].headers["ratelimit"].startswith('"login";r=0;t=')
    assert 0 < int(answers[3].headers["retry-after"]) <= 20
    assert answers[3].json()["code"] == "too_many_requests"


async def test_all_ways_to_log_in_share_one_limit(start: Start) -> None:
    gateway = await start(farebox_rate_limits="login=3/60")
    paths = ("/login", "/user/login", "/v1/sessions", "/login")
    assert [(await gateway.client.post(each, json={})).status_code for each in paths] == [200, 200, 200, 429]


async def test_users_are_counted_apart_behind_one_address(start: Start) -> None:
    gateway = await start(farebox_rate_limits="predict=1/60")
    paths = [(await gateway.client.post("/predict/x", json={}, headers=bearer(user))) for user in (1, 2, 1)]
    assert [each.status_code for each in paths] == [200, 200, 429]


async def test_strangers_are_counted_by_the_address_that_our_proxy_names(start: Start) -> None:
    gateway = await start(farebox_rate_limits="login=1/60", trusted_proxies="127.0.0.1")
    addresses = ("1.1.1.1", "2.2.2.2", "9.9.9.9, 1.1.1.1")
    answers = [
        await gateway.client.post("/login", json={}, headers={"X-Forwarded-For": each}) for each in addresses
    ]
    assert [each.status_code for each in answers] == [200, 200, 429]


async def test_strangers_are_counted_by_the_address_that_our_balancer_introduces(start: Start) -> None:
    gateway = await start(farebox_rate_limits="login=1/60", trusted_proxies="127.0.0.1")
    statuses = [await _log_in_introduced(gateway, each) for each in ("1.1.1.1", "2.2.2.2", "1.1.1.1")]
    assert statuses == [200, 200, 429]


async def test_whom_a_balancer_introduces_cannot_claim_another_address(start: Start) -> None:
    gateway = await start(farebox_rate_limits="login=1/60", trusted_proxies="127.0.0.1")
    claims = (b"X-Forwarded-For: 3.3.3.3\r\n", b"X-Forwarded-For: 4.4.4.4\r\n")
    assert [await _log_in_introduced(gateway, "1.1.1.1", claim) for claim in claims] == [200, 429]


async def test_a_stranger_who_introduces_others_counts_as_one(start: Start) -> None:
    gateway = await start(farebox_rate_limits="login=1/60")
    assert [await _log_in_introduced(gateway, each) for each in ("1.1.1.1", "2.2.2.2")] == [200, 429]


async def test_switched_off_nothing_is_limited_and_nothing_said(gateway: Running) -> None:
    answers = [await gateway.client.post("/login", json={}) for _ in range(30)]
    assert {each.status_code for each in answers} == {200}
    assert "ratelimit" not in answers[-1].headers


async def test_probes_are_never_limited(start: Start) -> None:
    gateway = await start(farebox_rate_limits="page=1/60,general=1/60")
    assert {(await gateway.client.get("/livez")).status_code for _ in range(10)} == {200}


async def _log_in_introduced(gateway: Running, address: str, claim: bytes = b"") -> int:
    """The status of a login over a connection that begins by saying for whom it is."""
    introduction = f"PROXY TCP4 {address} 127.0.0.1 40000 8000\r\n".encode()
    head = b"POST /login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n"
    heard = await gateway.raw(introduction[:9], introduction[9:] + head + claim + b"\r\n{}")
    return int(heard.split()[1])
