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
    token = _administrators_token(stack)
    answer = http.get("/v1/ledger/verify", headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 401:
        _administrators_token.cache_clear()
    return answer


@cache
def _administrators_token(stack: Stack) -> str:
    """One login for all the tests of a stack."""
    login = {"name": stack.admin_name, "password": stack.admin_password}
    answer = httpx.post(f"{stack.url}/v1/sessions", json=login, timeout=30)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


def _balanced(answer: httpx.Response) -> bool:
    found = answer.json() if answer.is_success else {}
    return bool(found.get("balanced")) and found["open_holds"] == 0
