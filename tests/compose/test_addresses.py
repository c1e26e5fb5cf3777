"""Everybody's requests are counted for themselves, though all come through the same containers."""

import re

import httpx
from tests.compose.conftest import PAGES_A_DAY
from tests.support.compose import Compose

ASK = """import http.client, sys
address, claimed = sys.argv[1:]
asked = http.client.HTTPConnection(address, 8000, timeout=30)
asked.request("GET", "/openapi.json", headers={"X-Forwarded-For": claimed} if claimed else {})
print(asked.getresponse().headers["RateLimit"])"""


def test_two_clients_of_the_balancer_have_limits_of_their_own(compose: Compose) -> None:
    left = [_left(compose, service, "balancer") for service in ("ml-worker", "dask-scheduler", "ml-worker")]
    assert left == [PAGES_A_DAY - 1, PAGES_A_DAY - 1, PAGES_A_DAY - 2]


def test_two_visitors_of_the_dashboard_have_limits_of_their_own(compose: Compose) -> None:
    visitors = ("203.0.113.1", "203.0.113.2", "203.0.113.1")
    left = [_left(compose, "dashboard", "gateway", each) for each in visitors]
    assert left == [PAGES_A_DAY - 1, PAGES_A_DAY - 1, PAGES_A_DAY - 2]


async def test_a_proxy_on_the_same_machine_is_believed(http: httpx.AsyncClient) -> None:
    clients = ("198.51.100.1", "198.51.100.2", "198.51.100.1")
    asked = [await http.get("/openapi.json", headers={"X-Forwarded-For": each}) for each in clients]
    left = [_read(each.headers["RateLimit"]) for each in asked]
    assert left == [PAGES_A_DAY - 1, PAGES_A_DAY - 1, PAGES_A_DAY - 2]


def _left(compose: Compose, service: str, asked: str, claimed: str = "") -> int:
    """How many pages the program of this container may still ask for."""
    return _read(compose.run("exec", "-T", service, "python", "-c", ASK, asked, claimed))


def _read(told: str) -> int:
    found = re.search(r"r=(\d+)", told)
    assert found, told
    return int(found[1])
