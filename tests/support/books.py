"""Whether the books balance, asked as an administrator would ask."""

import time
from functools import cache

import httpx

from tests.support.stack import Stack

DEADLINE_SECONDS = 15
PAUSE_SECONDS = 0.1


def assert_books_balance(stack: Stack, within: float = DEADLINE_SECONDS) -> None:
    """Every balance can be derived from the ledger again, and no tokens are held once nothing runs."""
    with httpx.Client(base_url=stack.url, timeout=30) as http:
        deadline = time.monotonic() + within
        while not _balanced(answer := _ask(http, stack)) and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
    assert _balanced(answer), answer.text


def _ask(http: httpx.Client, stack: Stack) -> httpx.Response:
    """What the books are like, or why that cannot be told now."""
    login = answer = _administrators_login(stack)
    if login.is_success:
        token = login.json()["access_token"]
        answer = http.get("/v1/ledger/verify", headers={"Authorization": f"Bearer {token}"})
    if not login.is_success or answer.status_code == 401:
        _administrators_login.cache_clear()
    return answer


@cache
def _administrators_login(stack: Stack) -> httpx.Response:
    """One for all the tests of a stack."""
    login = {"name": stack.admin_name, "password": stack.admin_password}
    return httpx.post(f"{stack.url}/v1/sessions", json=login, timeout=30)


def _balanced(answer: httpx.Response) -> bool:
    found = answer.json() if answer.is_success else {}
    return bool(found.get("balanced")) and found["open_holds"] == 0
