"""Verification of the books of a running stack, through the public API."""

import time
from functools import cache
from typing import Any

import httpx

from tests.support.stack import Stack

Json = dict[str, Any]  # Any: decoded JSON
DEADLINE_SECONDS = 15
PAUSE_SECONDS = 0.1


def assert_books_balance(stack: Stack, within: float = DEADLINE_SECONDS) -> Json:
    """Wait until no hold is open and the books balance; fails after the given seconds.

    Returns the verification of the ledger.
    """
    with httpx.Client(base_url=stack.url, timeout=30) as http:
        deadline = time.monotonic() + within
        while not _balanced(response := _verify(http, stack)) and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
    assert _balanced(response), response.text
    return response.json()


def _verify(http: httpx.Client, stack: Stack) -> httpx.Response:
    """The response to the verification, or to a failed login before it."""
    login = response = _admin_login(stack)
    if login.is_success:
        token = login.json()["access_token"]
        response = http.get("/v1/ledger/verify", headers={"Authorization": f"Bearer {token}"})
    if not login.is_success or response.status_code == 401:
        _admin_login.cache_clear()
    return response


@cache
def _admin_login(stack: Stack) -> httpx.Response:
    """One login for all tests of a stack."""
    login = {"name": stack.admin_name, "password": stack.admin_password}
    return httpx.post(f"{stack.url}/v1/sessions", json=login, timeout=30)


def _balanced(response: httpx.Response) -> bool:
    verification = response.json() if response.is_success else {}
    return bool(verification.get("balanced")) and verification["open_holds"] == 0
