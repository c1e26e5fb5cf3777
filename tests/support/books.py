"""Check that the books of a running stack balance, through the public API."""

import time
from functools import cache

import httpx

from tests.support.stack import Stack

DEADLINE_SECONDS = 15
PAUSE_SECONDS = 0.1


def assert_books_balance(stack: Stack, within: float = DEADLINE_SECONDS) -> None:
    """Wait until no tokens are held and every balance can be derived from the ledger again."""
    with httpx.Client(base_url=stack.url, timeout=30) as http:
        deadline = time.monotonic() + within
        while not _balanced(answer := _verify(http, stack)) and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
    assert _balanced(answer), answer.text


def _verify(http: httpx.Client, stack: Stack) -> httpx.Response:
    """The result of the ledger's verification, or the error that prevents it."""
    login = answer = _admin_login(stack)
    if login.is_success:
        token = login.json()["access_token"]
        answer = http.get("/v1/ledger/verify", headers={"Authorization": f"Bearer {token}"})
    if not login.is_success or answer.status_code == 401:
        _admin_login.cache_clear()
    return answer


@cache
def _admin_login(stack: Stack) -> httpx.Response:
    """One login for all tests of a stack."""
    login = {"name": stack.admin_name, "password": stack.admin_password}
    return httpx.post(f"{stack.url}/v1/sessions", json=login, timeout=30)


def _balanced(answer: httpx.Response) -> bool:
    found = answer.json() if answer.is_success else {}
    return bool(found.get("balanced")) and found["open_holds"] == 0
