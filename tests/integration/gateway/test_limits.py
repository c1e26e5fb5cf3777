"""Rate limits of the running gateway."""

from tests.integration.gateway.conftest import RunningGateway, StartGateway
from tests.support.tokens import bearer


async def test_login_beyond_the_limit_is_429_with_retry_after(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="login=3/60")
    responses = [await gateway.client.post("/login", json={}) for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert responses[0].headers["ratelimit-policy"] == '"login";q=3;w=60'
    assert responses[0].headers["ratelimit"] == '"login";r=2;t=20'
    assert responses[3].headers["ratelimit"].startswith('"login";r=0;t=')
    assert 0 < int(responses[3].headers["retry-after"]) <= 20
    assert responses[3].json()["code"] == "too_many_requests"


async def test_all_login_routes_share_one_limit(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="login=3/60")
    paths = ("/login", "/user/login", "/v1/sessions", "/login")
    assert [(await gateway.client.post(path, json={})).status_code for path in paths] == [200, 200, 200, 429]


async def test_exports_have_a_limit_of_their_own(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="export=1/60")
    paths = ("/v1/me/export", "/v1/me/export", "/v1/me/wallet")
    answers = [await gateway.client.get(path, headers=bearer(1)) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 429, 200]


async def test_users_behind_one_address_have_separate_limits(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="predict=1/60")
    paths = [(await gateway.client.post("/predict/x", json={}, headers=bearer(user))) for user in (1, 2, 1)]
    assert [path.status_code for path in paths] == [200, 200, 429]


async def test_unknown_callers_are_limited_by_forwarded_address(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="login=1/60", trusted_proxies="127.0.0.1")
    addresses = ("1.1.1.1", "2.2.2.2", "9.9.9.9, 1.1.1.1")
    responses = [
        await gateway.client.post("/login", json={}, headers={"X-Forwarded-For": address})
        for address in addresses
    ]
    assert [response.status_code for response in responses] == [200, 200, 429]


async def test_unknown_callers_are_limited_by_proxy_protocol_address(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="login=1/60", trusted_proxies="127.0.0.1")
    statuses = [
        await _log_in_through_proxy(gateway, address) for address in ("1.1.1.1", "2.2.2.2", "1.1.1.1")
    ]
    assert statuses == [200, 200, 429]


async def test_client_behind_proxy_protocol_cannot_forge_forwarded_for(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="login=1/60", trusted_proxies="127.0.0.1")
    claims = (b"X-Forwarded-For: 3.3.3.3\r\n", b"X-Forwarded-For: 4.4.4.4\r\n")
    assert [await _log_in_through_proxy(gateway, "1.1.1.1", claim) for claim in claims] == [200, 429]


async def test_proxy_protocol_of_untrusted_peer_is_ignored(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="login=1/60")
    assert [await _log_in_through_proxy(gateway, address) for address in ("1.1.1.1", "2.2.2.2")] == [200, 429]


async def test_invalid_tokens_of_one_address_are_limited(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="invalid_token=3/60", trusted_proxies="127.0.0.1")
    credentials = ("Bearer x.y.z", "Basic YTpi", "Bearer a.b.c", "Bearer x.y.z")
    statuses = [await _status_of(gateway, credential, "1.1.1.1") for credential in credentials]
    assert statuses == [401, 401, 401, 429]
    assert await _status_of(gateway, "Bearer x.y.z", "2.2.2.2") == 401
    assert await _status_of(gateway, bearer(7)["Authorization"], "1.1.1.1") == 200


async def test_disabled_limits_send_no_rate_limit_headers(gateway: RunningGateway) -> None:
    responses = [await gateway.client.post("/login", json={}) for _ in range(30)]
    assert {response.status_code for response in responses} == {200}
    assert "ratelimit" not in responses[-1].headers


async def test_health_probes_are_never_limited(start: StartGateway) -> None:
    gateway = await start(farebox_rate_limits="page=1/60,general=1/60")
    assert {(await gateway.client.get("/livez")).status_code for _ in range(10)} == {200}


async def _status_of(gateway: RunningGateway, authorization: str, address: str) -> int:
    headers = {"Authorization": authorization, "X-Forwarded-For": address}
    return (await gateway.client.get("/v1/models", headers=headers)).status_code


async def _log_in_through_proxy(gateway: RunningGateway, address: str, claim: bytes = b"") -> int:
    """The status of a login over a connection that starts with a PROXY protocol header."""
    header = f"PROXY TCP4 {address} 127.0.0.1 40000 8000\r\n".encode()
    head = b"POST /login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n"
    received = await gateway.raw(header[:9], header[9:] + head + claim + b"\r\n{}")
    return int(received.split()[1])
