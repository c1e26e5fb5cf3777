"""Rate limits are per client, although all clients connect through the same containers."""

import asyncio
import re

import httpx
from tests.compose.conftest import PAGES_A_DAY
from tests.support.compose import Compose

# More than the 15 s of deploy/balancer/haproxy.cfg.
SILENCE_SECONDS = 25
REQUEST_PAGE = """import http.client, sys
address, claimed = sys.argv[1:]
connection = http.client.HTTPConnection(address, 8000, timeout=30)
connection.request("GET", "/openapi.json", headers={"X-Forwarded-For": claimed} if claimed else {})
print(connection.getresponse().headers["RateLimit"])"""


def test_clients_of_the_balancer_have_separate_rate_limits(compose: Compose) -> None:
    request = ("python", "-c", REQUEST_PAGE, "balancer", "")
    left = [_read(compose.run_as_client(*request, number=number)) for number in (1, 2, 1)]
    assert left == [PAGES_A_DAY - 1, PAGES_A_DAY - 1, PAGES_A_DAY - 2]


def test_client_of_the_balancer_cannot_claim_another_address(compose: Compose) -> None:
    claims = [f"203.0.113.{number}" for number in (11, 12)]
    requests = [("python", "-c", REQUEST_PAGE, "balancer", claim) for claim in claims]
    left = [_read(compose.run_as_client(*request, number=3)) for request in requests]
    assert left == [PAGES_A_DAY - 1, PAGES_A_DAY - 2]


def test_visitors_of_the_dashboard_have_separate_rate_limits(compose: Compose) -> None:
    visitors = ("203.0.113.1", "203.0.113.2", "203.0.113.1")
    left = [_left(compose, "dashboard", "gateway", visitor) for visitor in visitors]
    assert left == [PAGES_A_DAY - 1, PAGES_A_DAY - 1, PAGES_A_DAY - 2]


async def test_proxy_on_loopback_is_trusted(http: httpx.AsyncClient) -> None:
    clients = ("198.51.100.1", "198.51.100.2", "198.51.100.1")
    requested = [await http.get("/openapi.json", headers={"X-Forwarded-For": client}) for client in clients]
    left = [_read(response.headers["RateLimit"]) for response in requested]
    assert left == [PAGES_A_DAY - 1, PAGES_A_DAY - 1, PAGES_A_DAY - 2]


async def test_balancer_closes_a_connection_without_a_request(http: httpx.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    writer.write(b"GET /livez HTTP/1.1\r\n")
    assert await asyncio.wait_for(reader.read(), SILENCE_SECONDS) == b""
    writer.close()


def _left(compose: Compose, service: str, requested: str, claimed: str) -> int:
    """The number of pages that this container's program may still request."""
    return _read(compose.run("exec", "-T", service, "python", "-c", REQUEST_PAGE, requested, claimed))


def _read(received: str) -> int:
    remaining = re.search(r"r=(\d+)", received)
    assert remaining, received
    return int(remaining[1])
