"""Whether the books balance, asked as an administrator would ask."""

import time

import httpx

from tests.support.stack import Stack

DEADLINE_SECONDS = 15
PAUSE_SECONDS = 0.1


def assert_books_balance(stack: Stack, within: float = DEADLINE_SECONDS) -> None:
    """Every balance can be derived from the ledger again, and no tokens are held once nothing runs."""
    with httpx.Client(base_url=stack.url, timeout=30) as http:
        login = {"name": stack.admin_name, "password": stack.admin_password}
        token = http.post("/v1/sessions", json=login).raise_for_status().json()["access_token"]
        deadline = time.monotonic() + within
        while True:
            found = http.get("/v1/ledger/verify", headers={"Authorization": f"Bearer {token}"}).json()
            if (found["balanced"] and found["open_holds"] == 0) or time.monotonic() > deadline:
                break
            time.sleep(PAUSE_SECONDS)
    assert found["balanced"], found
    assert found["open_holds"] == 0, found
