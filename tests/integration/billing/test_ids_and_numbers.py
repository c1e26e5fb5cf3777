"""Ids have one spelling, and numbers beyond the range of a column are refused."""

from typing import Any

import pytest
from tests.support.billing import ADMIN, Billing
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER = 7
NAME = "user7@example.org"
AS_ADMIN = bearer(ADMIN, role="admin")
CARD = "4242424242424242"
# Each was read as 7, as another id, or not at all.
OTHER_SPELLINGS = [
    "7.0",
    "+7",
    "%2B7",
    "%207",
    "7%20",
    "07",
    "7e0",
    "7_0",
    "0x7",
    "%D9%A7",
    "7%00",
    "0",
    "-7",
]
BEYOND = [str(2**63), str(2**64), "9" * 30, "9" * 5000]
NUMBERS = ["9223372036854775807", "9223372036854775808", "18446744073709551616", "1e30", "9" * 400, "-1e19"]


@pytest.fixture(autouse=True)
async def wallets(billing: Billing) -> None:
    await billing.register(ADMIN, "admin@example.org", "admin")
    await billing.register(USER, NAME)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/users/{}/grants", {"amount": 10, "reason": "for the test"}),
        ("/admin/users/{}/tokens", {"email": NAME, "credit_card": CARD, "amount": 10}),
    ],
)
async def test_id_in_another_spelling_is_422(billing: Billing, path: str, body: dict[str, Any]) -> None:
    for spelling in (*OTHER_SPELLINGS, *BEYOND):
        response = await billing.http.post(path.format(spelling), json=body, headers=AS_ADMIN)
        assert_problem(response, 422, "invalid_input")
    assert (await billing.wallet(USER))["tokens"] == 15


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("POST", "/v1/purchases", '{"amount": N, "credit_card": "4242424242424242"}', bearer(USER)),
        (
            "POST",
            "/add_tokens",
            f'{{"username": "{NAME}", "credit_card": "{CARD}", "amount": N}}',
            bearer(USER),
        ),
        (
            "POST",
            "/admin/users/7/tokens",
            f'{{"email": "{NAME}", "credit_card": "{CARD}", "amount": N}}',
            AS_ADMIN,
        ),
        ("POST", "/v1/users/7/grants", '{"amount": N, "reason": "for the test"}', AS_ADMIN),
        ("PUT", "/v1/prices/train", '{"tokens": N}', AS_ADMIN),
        ("PUT", "/v1/prices/train", '{"tokens": 1, "per_units": N}', AS_ADMIN),
        ("POST", "/v1/quotes", '{"action": "train", "units": N}', bearer(USER)),
    ],
)
async def test_number_beyond_the_range_is_refused(
    billing: Billing, method: str, path: str, body: str, headers: dict[str, str]
) -> None:
    headers = {**headers, "Content-Type": "application/json"}
    for number in NUMBERS:
        content = body.replace("N", number)
        response = await billing.http.request(method, path, content=content, headers=headers)
        # 400 for what is beyond every number of JSON.
        assert_problem(response, 400 if len(number) == 400 else 422)
    assert (await billing.wallet(USER))["tokens"] == 15


@pytest.mark.parametrize("path", ["/v1/users", "/admin/users"])
async def test_least_tokens_beyond_the_range_are_422(billing: Billing, path: str) -> None:
    for number in BEYOND:
        assert_problem(await billing.http.get(f"{path}?min_tokens={number}", headers=AS_ADMIN), 422)


@pytest.mark.parametrize("path", ["/v1/me/ledger", "/v1/ledger", "/v1/users"])
async def test_page_size_is_clamped(billing: Billing, path: str) -> None:
    await billing.charge(ADMIN)
    for size, rows in (("0", 1), ("-5", 1), (str(2**63), 2), ("9" * 30, 2)):
        items = (await billing.http.get(f"{path}?page_size={size}", headers=AS_ADMIN)).json()["items"]
        assert len(items[:2]) == rows


@pytest.mark.parametrize("path", ["/v1/users", "/admin/users"])
@pytest.mark.parametrize("number", ["+5", " 5", "5.0", "1_0", "٥", "５"])
async def test_another_writing_of_a_number_is_422(billing: Billing, path: str, number: str) -> None:
    for name in ("min_tokens", "page_size"):
        if (path, name) != ("/admin/users", "page_size"):
            assert_problem(await billing.http.get(path, params={name: number}, headers=AS_ADMIN), 422)
